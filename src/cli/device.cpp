#include "cli/device.hpp"

#include <ATen/Parallel.h>

#include "cli/run_record.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/jobs/device.hpp"

namespace reluctance {

void apply(const CommonOptions& options) {
  at::set_num_threads(options.threads > 0 ? options.threads : available_threads());
  join_processes();
  require_agreement("the command line", run_info(options).command);
  require_agreement("the number of threads", std::to_string(at::get_num_threads()));
  if (options.json != "-") require_file_place("--json", options.json);
  usable_device(options.device);
}

Network on_device(const CommonOptions& options, const Network& network) {
  const c10::Device device = usable_device(options.device);
  return device.is_cpu() ? network : network.to(device);
}

}  // namespace reluctance
