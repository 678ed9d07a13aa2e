#include "jobs/record.hpp"

#include <ATen/Parallel.h>

#include <chrono>
#include <ctime>

namespace reluctance {
namespace {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

std::string program_name() { return std::string("reluctance ") + RELUCTANCE_VERSION; }

RunInfo run_info(const std::string& command, std::uint64_t seed, const std::string& device) {
  return {program_name(), command, seed, at::get_num_threads(), device, utc_now(), 0};
}

DataInfo data_info(const Dataset& data) {
  return {data.name,    data.samples.count(), sample_shape(data),
          data.classes, data.class_names,     checksum(data)};
}

Json measurement_json(const RunInfo& run, const std::string& model, const Dataset& data) {
  return {{"program", run.program}, {"command", run.command}, {"seed", run.seed},
          {"threads", run.threads}, {"device", run.device},   {"started", run.started},
          {"model", model},         {"data", data.name},      {"checksum", checksum(data)}};
}

std::string measurement_text(const Json& document) {
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace reluctance
