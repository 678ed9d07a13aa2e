#include "clock.hpp"

#include <ATen/Parallel.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace reluctance::benchmarks {

double now() {
  if (at::get_num_threads() > 1) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_waited() {
  double nanoseconds = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    double ran = 0;
    double waited = 0;
    std::ifstream file(thread.path() / "schedstat");
    if (file >> ran >> waited) nanoseconds += waited;
  }
  return 1e-9 * nanoseconds;
}

}  // namespace reluctance::benchmarks
