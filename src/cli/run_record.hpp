// How the numbers of a run came about, and where they are written.
#pragma once

#include <cstdio>
#include <string>

#include "cli/options.hpp"
#include "jobs/record.hpp"

namespace reluctance {

// The command line, quoted for a shell; set once by main.
void remember_command_line(int argc, const char* const* argv);

// The record of this run, without its duration.
RunInfo run_info(const CommonOptions& options);

// Where the words for people go: standard output, unless `--json -` gives that to the numbers.
std::FILE* summary_stream(const CommonOptions& options);

// Writes `json` to the file of --json, or to standard output for "-", if the option was given.
void write_json(const CommonOptions& options, const std::string& json);

// Writes the numbers of one measurement on the data likewise, after the record of the run.
void write_measurement(const CommonOptions& options, const Dataset& data, const Json& numbers);

}  // namespace reluctance
