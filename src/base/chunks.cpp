#include "reluctance/base/chunks.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <omp.h>

#include <algorithm>

namespace reluctance {
namespace {

// Libraries below ATen ask OpenMP how many threads they may use, and oneDNN keeps what it planned
// for that number: a plan for two threads, run by one inside a parallel region, waits for the other
// for ever. The setting belongs to the calling thread alone.
class OneThread {
 public:
  // LibTorch sets the number of each new thread when it is first asked for; that must come before.
  OneThread() : before_(at::get_num_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace

void for_each_chunk(c10::Device device, int64_t count, int64_t size,
                    const std::function<void(int64_t begin, int64_t end)>& body) {
  // Pieces below this size spend more on starting operators than on running them.
  constexpr int64_t smallest = 16;
  const int64_t per_thread = (count + at::get_num_threads() - 1) / at::get_num_threads();
  const int64_t piece = device.is_cpu() ? std::min(size, std::max(per_thread, smallest)) : size;
  const int64_t pieces = (count + piece - 1) / piece;
  const auto run = [&](int64_t first, int64_t last) {
    // Thread-local, so it is set on every thread: derivatives here never need autograd's tape.
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    for (int64_t i = first; i < last; ++i) body(i * piece, std::min(count, (i + 1) * piece));
  };
  if (!device.is_cpu()) return run(0, pieces);
  at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
    const OneThread one_thread;
    run(first, last);
  });
}

}  // namespace reluctance
