// Data that is trained on and data that is kept apart from it.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "reluctance/jobs/explain.hpp"

namespace reluctance {

// What --data and --scale name; what was converted is told to the person.
Dataset load_data(const CommonOptions& options, const std::string& default_split);

// The two splits of a named set; data that has no splits is divided.
Splits load_splits(const CommonOptions& options);

// The first two thirds and the last third of one set, told to the person.
Splits divided_aloud(const Dataset& data);

}  // namespace reluctance
