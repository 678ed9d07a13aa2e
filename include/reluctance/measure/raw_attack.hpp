// What the raw attack of the theory does to the real network.
//
// Everything here is asked in float64: the images' own rounding in float32 (6e-8 of a pixel) is
// larger than the whole perturbation of a confident sample at small strength.
#pragma once

#include <cstdint>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// N samples after `steps` steps of size beta / steps. What the theory is compared with is on the
// CPU, as it is.
struct RawAttackResult {
  Tensor delta;          // N x input shape
  Tensor gradient;       // N x input shape: gradient of the loss at the end
  Tensor gates_flipped;  // N: share of all gates
  Tensor predictions;    // N: classes answered at the end; where the network is
};

// network and samples, inputs of it, in float64; for one batch on the calling thread.
RawAttackResult measure_raw_attack(const Network& network, const Samples& samples, double beta,
                                   int64_t steps);

// The strength at which the attack fools the given share of the samples that were right, to 2%, by
// bisection on its logarithm. If even `largest` does not, returns it.
double strength_that_fools(const Network& network, const Samples& samples, int64_t steps,
                           double share, const Progress& progress = {});
inline constexpr double largest_strength = 1e4;

}  // namespace reluctance
