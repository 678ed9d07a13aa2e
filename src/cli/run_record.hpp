// How the numbers of a run came about, and where they are written.
#pragma once

#include <cstdio>
#include <string>

#include "cli/options.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/report/results.hpp"
#include "report/json.hpp"

namespace reluctance {

// The command line, quoted for a shell; set once by main.
void remember_command_line(int argc, const char* const* argv);

// The record of this run, without its duration.
RunInfo run_info(const CommonOptions& options);
DataInfo data_info(const Dataset& data);

// Where the words for people go: standard output, unless `--json -` gives that to the numbers.
std::FILE* summary_stream(const CommonOptions& options);

// Writes `json` to the file of --json, or to standard output for "-", if the option was given.
void write_json(const CommonOptions& options, const std::string& json);

// A document of one measurement: program, command, seed, threads, device, time, model and data, to
// which the numbers are added.
Json measurement_json(const CommonOptions& options, const Dataset& data);
void write_measurement(const CommonOptions& options, const Json& document);

}  // namespace reluctance
