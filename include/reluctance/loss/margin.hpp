// How far an answer is from being another one.
#pragma once

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// z_y - max over k != y of z_k: above zero where the label is answered. logits: N x classes,
// labels: N (int64) -> N.
Tensor margins(const Tensor& logits, const Tensor& labels);

// N booleans: another class is answered. False where a logit is not finite: that is no answer.
Tensor answered_wrong(const Tensor& logits, const Tensor& labels);

// The logits with minus infinity in the label's place.
Tensor other_logits(const Tensor& logits, const Tensor& labels);

// The gradient of z_t - z_y with respect to the logits, in their shape and type. targets: N.
Tensor margin_direction(const Tensor& logits, const Tensor& labels, const Tensor& targets);

}  // namespace reluctance
