// How far an answer is from being another one.
#pragma once

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// z_y - max over k != y of z_k: above zero where the label is answered. logits: N x classes,
// labels: N (int64) -> N.
Tensor margins(const Tensor& logits, const Tensor& labels);

}  // namespace reluctance
