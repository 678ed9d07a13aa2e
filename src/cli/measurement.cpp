#include "cli/measurement.hpp"

#include "cli/console.hpp"

namespace reluctance {

Json share_json(const Share& share) {
  return {
      {"value", share.value}, {"low", share.low}, {"high", share.high}, {"samples", share.samples}};
}

Json measurement_json(const CommonOptions& common, const Dataset& data) {
  const RunInfo info = run_info(common);
  return {{"program", info.program}, {"command", info.command}, {"seed", info.seed},
          {"threads", info.threads}, {"device", info.device},   {"started", info.started},
          {"model", common.model},   {"data", data.name},       {"checksum", checksum(data)}};
}

void write_measurement(const CommonOptions& common, const Json& document) {
  // Names of files may hold any bytes; what is not UTF-8 is replaced.
  write_json(common, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace reluctance
