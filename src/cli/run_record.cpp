#include "cli/run_record.hpp"

#include <ATen/Parallel.h>

#include <chrono>
#include <ctime>

#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

std::string command_line;

std::string quoted(const std::string& word) {
  const bool plain =
      !word.empty() &&
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%") ==
          std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

void remember_command_line(int argc, const char* const* argv) {
  command_line = "reluctance";
  for (int i = 1; i < argc; ++i) command_line += " " + quoted(argv[i]);
}

RunInfo run_info(const CommonOptions& options) {
  return {std::string("reluctance ") + RELUCTANCE_VERSION,
          command_line,
          options.seed,
          at::get_num_threads(),
          options.device,
          utc_now(),
          0};
}

DataInfo data_info(const Dataset& data) {
  return {data.name,    data.samples.count(), sample_shape(data),
          data.classes, data.class_names,     checksum(data)};
}

std::FILE* summary_stream(const CommonOptions& options) {
  return options.json == "-" ? stderr : stdout;
}

void write_json(const CommonOptions& options, const std::string& json) {
  if (options.json.empty()) return;
  if (options.json == "-") {
    std::fwrite(json.data(), 1, json.size(), stdout);
  } else {
    write_file(options.json, json);
  }
}

Json measurement_json(const CommonOptions& options, const Dataset& data) {
  const RunInfo info = run_info(options);
  return {{"program", info.program}, {"command", info.command}, {"seed", info.seed},
          {"threads", info.threads}, {"device", info.device},   {"started", info.started},
          {"model", options.model},  {"data", data.name},       {"checksum", checksum(data)}};
}

void write_measurement(const CommonOptions& options, const Json& document) {
  // Names of files may hold any bytes; what is not UTF-8 is replaced.
  write_json(options, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace reluctance
