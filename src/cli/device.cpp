#include "cli/device.hpp"

#include <ATen/Parallel.h>

#include "reluctance/jobs/device.hpp"

namespace reluctance {

void apply(const CommonOptions& options) {
  if (options.json != "-") require_file_place("--json", options.json);
  at::set_num_threads(options.threads > 0 ? options.threads : available_threads());
  usable_device(options.device);
}

Network on_device(const CommonOptions& options, const Network& network) {
  const c10::Device device(options.device);
  return device.is_cpu() ? network : network.to(device);
}

}  // namespace reluctance
