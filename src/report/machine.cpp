#include "report/machine.hpp"

#include <sys/utsname.h>
#include <torch/version.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace reluctance {
namespace {

// The value of the first "key : value" line of a file, or of a KEY="value" line.
std::string field(const char* path, const std::string& key, char separator) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    std::string value = line.substr(at + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '"')) value.erase(0, 1);
    while (!value.empty() && value.back() == '"') value.pop_back();
    return value;
  }
  return "unknown";
}

}  // namespace

Machine this_machine() {
  utsname kernel{};
  ::uname(&kernel);
  return {
      field("/proc/cpuinfo", "model name", ':'),
      field("/etc/os-release", "PRETTY_NAME", '=') + ", " + kernel.sysname + " " + kernel.machine,
      TORCH_VERSION, static_cast<int>(std::thread::hardware_concurrency()),
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
          static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE))};
}

}  // namespace reluctance
