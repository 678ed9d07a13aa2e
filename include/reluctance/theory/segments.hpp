// The region-exact attack beyond one region: the path is cut into segments and the network is
// re-linearised along it.
#pragma once

#include <cstdint>

#include "reluctance/base/samples.hpp"
#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

enum class SegmentScheme {
  tangent,  // the affine map where a segment starts: first order in the number of segments
  chord,  // the affine map between the segment's start and its predicted end, in which a gate that
          // flips on the way counts in proportion. Twice the cost; no first-order error but that of
          // single gates, and several times closer
};

struct SegmentOptions {
  int64_t segments = 8;  // of equal predicted length, for each sample
  SegmentScheme scheme = SegmentScheme::chord;
  Loss loss = cross_entropy_loss();
};

// Raw attack of `steps` steps of size beta / steps on N samples, inputs of the network. Returns
// delta: N x input shape, float64.
Tensor segmented_attack(const Network& network, const Samples& samples, double beta, int64_t steps,
                        const SegmentOptions& options = {});

}  // namespace reluctance
