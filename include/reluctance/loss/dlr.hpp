// The difference-of-logits-ratio loss (Croce and Hein 2020, "Reliable evaluation of adversarial
// robustness with an ensemble of diverse parameter-free attacks", section 5): unlike cross-entropy
// it depends neither on the scale of the logits nor on a shift of them.
#pragma once

#include "reluctance/loss/loss.hpp"

namespace reluctance {

// -(z_y - max_{i != y} z_i) / (z_(1) - z_(3)), where z_(1) >= z_(2) >= ... Positive where the
// answer is wrong. logits: N x C, labels: N (int64). Throws Error for fewer than 3 classes.
LossAt dlr(const Tensor& logits, const Tensor& labels);

// -(z_y - z_t) / (z_(1) - (z_(3) + z_(4)) / 2) for target classes t: N (int64). Throws Error for
// fewer than 4 classes.
LossAt targeted_dlr(const Tensor& logits, const Tensor& labels, const Tensor& targets);

}  // namespace reluctance
