#include "cli/run_record.hpp"

#include "reluctance/base/files.hpp"
#include "reluctance/base/processes.hpp"

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

}  // namespace

void remember_command_line(int argc, const char* const* argv) {
  command_line = "reluctance";
  for (int i = 1; i < argc; ++i) command_line += " " + quoted(argv[i]);
}

RunInfo run_info(const CommonOptions& options) {
  return run_info(command_line, options.seed, options.device);
}

std::FILE* summary_stream(const CommonOptions& options) {
  // The standard output of the other processes goes nowhere.
  return options.json == "-" && is_first_process() ? stderr : stdout;
}

void write_json(const CommonOptions& options, const std::string& json) {
  if (options.json.empty()) return;
  if (options.json == "-") {
    std::fwrite(json.data(), 1, json.size(), stdout);
  } else {
    write_file(options.json, json);
  }
}

void write_measurement(const CommonOptions& options, const Dataset& data, const Json& numbers) {
  Json document = measurement_json(run_info(options), options.model, data);
  document.update(numbers);
  write_json(options, measurement_text(document));
}

}  // namespace reluctance
