// What an attack really does to the weight of each sample in training.
#pragma once

#include <cstdint>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// N samples before and after the attack, float64.
struct InfluenceMeasurement {
  Tensor delta;                      // N x input shape
  Tensor gradient_norm_clean;        // N: ||dL/dtheta|| of each sample
  Tensor gradient_norm_adversarial;  // N
  Tensor boost;                      // N: ||s(x + delta)|| / ||s(x)||, s the gradient in the logits
  Tensor effective_strength;         // N: the beta of a raw attack that the steps amount to,
                                     // sum_t alpha (d_t . g_t) / ||g_t||^2 for directions d_t
  Tensor gates_flipped;              // N: share of all gates
  Tensor confidence;                 // N: probability of the label, before
  Tensor predictions, attacked_predictions;  // N
};

// network and samples (inputs of it) in float64; for one batch on the calling thread. No random
// start. Losses and their gradients are those that the attack climbs.
InfluenceMeasurement measure_influence(const Network& network, const Samples& samples,
                                       const GradientAscent& attack);

// How unevenly weights w_i >= 0 are spread over N samples.
struct Concentration {
  double effective_share;  // (sum w)^2 / (N sum w^2): 1 when all weigh the same, 1/N for one alone
  double gini;             // 0 when all weigh the same, towards 1 for one alone
  double top1, top5;       // share of the top 1% and 5% of the samples, at least one
};
Concentration concentration(const Tensor& weights);

}  // namespace reluctance
