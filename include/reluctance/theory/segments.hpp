// The region-exact attack beyond one region: the path is cut into segments and the network is
// re-linearised along it.
#pragma once

#include <cstdint>

#include "reluctance/network/network.hpp"

namespace reluctance {

enum class SegmentScheme {
  euler,     // linearise where a segment starts: first order in the number of segments
  midpoint,  // linearise at the predicted middle of each segment: second order, twice the cost
};

// Raw attack of `steps` steps of size beta / steps on N samples, with `segments` pieces of equal
// predicted length for each sample. Returns delta: N x input shape, float64.
Tensor segmented_attack(const Network& network, const Tensor& x, const Tensor& labels, double beta,
                        int64_t steps, int64_t segments, SegmentScheme scheme);

}  // namespace reluctance
