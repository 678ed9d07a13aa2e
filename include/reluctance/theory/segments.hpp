// The region-exact attack beyond one region: each sample's path is cut into segments, as long as
// the network may be taken for affine, and the network is re-linearised in each.
//
// A segment of several steps uses the chord between its start and its predicted last point: the
// affine map in which a gate that flips on the way counts in proportion. It is kept if the gradient
// that it predicts at the last point where the attack asks for one, J^T s(z + K c), is the real one
// there within a tolerance, and halved if not. A segment of one step is exact.
#pragma once

#include <cstdint>

#include "reluctance/base/samples.hpp"
#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

struct SegmentOptions {
  double tolerance = 0.01;  // ||predicted - real|| / ||real|| of the last gradient of a segment
  Loss loss = cross_entropy_loss();
};

// N samples. The passes, of one sample each, include those of segments that were not kept. The real
// attack takes as many of either kind as it has steps.
struct SegmentedAttack {
  Tensor delta;     // N x input shape, float64
  Tensor segments;  // N, float64: their number
  Tensor forward;   // N, float64: forward passes
  Tensor backward;  // N, float64: vector-Jacobian products
};

// Raw attack of `steps` steps of size beta / steps on N samples, inputs of the network. beta: a
// strength for each (N, float64).
SegmentedAttack segmented_attack(const Network& network, const Samples& samples, const Tensor& beta,
                                 int64_t steps, const SegmentOptions& options = {});

}  // namespace reluctance
