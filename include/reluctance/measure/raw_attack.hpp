// What the raw attack of the theory does to the real network.
//
// Everything here is asked in float64: the images' own rounding in float32 (6e-8 of a pixel) is
// larger than the whole perturbation of a confident sample at small strength.
#pragma once

#include <cstdint>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/loss/loss.hpp"
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

// network and samples, inputs of it, in float64; beta: a strength for each (N); loss: what the
// attack climbs. For one batch on the calling thread.
RawAttackResult measure_raw_attack(const Network& network, const Samples& samples,
                                   const Tensor& beta, int64_t steps,
                                   const Loss& loss = cross_entropy_loss());

// Each sample's own smallest fooling strength (N, float64, on the CPU), to 2%: from the strength
// that would move it by one if the gradient stayed as it is, by powers of ten to two strengths of
// which the greater fools and the lesser does not, then by bisection on the logarithm. NaN for
// samples that are answered wrong without an attack, and for those that a million times the first
// strength does not fool. Progress counts samples.
Tensor fooling_strengths(const Network& network, const Samples& samples, int64_t steps,
                         const Progress& progress = {}, const Loss& loss = cross_entropy_loss());

// The strength at which the attack fools the given share of the samples that were right, to 2%, by
// bisection on its logarithm. If even `largest` does not, returns it.
double strength_that_fools(const Network& network, const Samples& samples, int64_t steps,
                           double share, const Progress& progress = {});
inline constexpr double largest_strength = 1e4;

}  // namespace reluctance
