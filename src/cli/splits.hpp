// Data that is trained on and data that is kept apart from it.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "reluctance/data/dataset.hpp"

namespace reluctance {

// Images that networks are trained on and images that they are tested on; the same where there is
// one set only.
struct Splits {
  Dataset training, held_out;
};
inline bool apart(const Splits& splits) { return splits.training.name != splits.held_out.name; }

// What --data and --scale name; what was converted is told to the person.
Dataset load_data(const CommonOptions& options, const std::string& default_split);

// The two splits of a named set; data that has no splits is divided.
Splits load_splits(const CommonOptions& options);

// The first two thirds and the last third, told to the person.
Splits divided(const Dataset& data);

}  // namespace reluctance
