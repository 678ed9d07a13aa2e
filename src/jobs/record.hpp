// How the numbers of a job came about, as every door writes it down.
#pragma once

#include <cstdint>
#include <string>

#include "reluctance/data/dataset.hpp"
#include "reluctance/report/results.hpp"
#include "report/json.hpp"

namespace reluctance {

std::string program_name();  // and its version

// The record of a run that begins now, without its duration. `command` is what was asked, as it was
// written.
RunInfo run_info(const std::string& command, std::uint64_t seed, const std::string& device);
DataInfo data_info(const Dataset& data);

// A document of one measurement: program, command, seed, threads, device, time, model and data, to
// which the numbers are added.
Json measurement_json(const RunInfo& run, const std::string& model, const Dataset& data);

// Its text. Names of files may hold any bytes; what is not UTF-8 is replaced.
std::string measurement_text(const Json& document);

}  // namespace reluctance
