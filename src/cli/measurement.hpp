// The numbers that `evaluate` and `distances` write: how they came about, then what was measured.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

using Json = nlohmann::ordered_json;

// {value, low, high, samples}
Json share_json(const Share& share);

// Program, command, seed, threads, device, time, model and data.
Json measurement_json(const CommonOptions& common, const Dataset& data);

// As --json asks.
void write_measurement(const CommonOptions& common, const Json& document);

}  // namespace reluctance
