// Networks that were trained on normalised images, (x - mean) / std, given images in [0, 1].
#pragma once

#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance {

struct Normalisation {
  std::vector<double> mean;  // one number, or one for each channel; empty: 0
  std::vector<double> std;   // the same, above zero; empty: 1

  bool none() const { return mean.empty() && std.empty(); }
};

// The network that takes x where the given one takes (x - mean) / std: one constant layer before
// it, so that perturbations and budgets are in pixels. Channels are the first axis of the network's
// input, or the last one where only that has as many entries as numbers are given. Throws Error
// where neither has.
Network normalised(const Network& network, const Normalisation& normalisation);

}  // namespace reluctance
