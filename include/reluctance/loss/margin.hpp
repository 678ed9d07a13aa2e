// How far an answer is from being another one.
#pragma once

#include "reluctance/base/samples.hpp"

namespace reluctance {

// z_y - max over k != y of z_k: above zero where the label is answered. logits: N x classes,
// labels: N (int64) -> N.
Tensor margins(const Tensor& logits, const Tensor& labels);

// What attacks are after: any answer but the label or, with targets, that answer. Margins (N) are
// above zero where it is not given, z_y - max over k != y of z_k or max over k != t of z_k - z_t.
Tensor margins(const Tensor& logits, const Samples& samples);
// N booleans: it is given.
Tensor answers_as_wanted(const Tensor& logits, const Samples& samples);
// And so by logits that are all finite: others are no answer.
Tensor succeeded(const Tensor& logits, const Samples& samples);

// The logits with minus infinity in the label's place.
Tensor other_logits(const Tensor& logits, const Tensor& labels);

// The gradient of z_t - z_y with respect to the logits, in their shape and type. targets: N.
Tensor margin_direction(const Tensor& logits, const Tensor& labels, const Tensor& targets);

}  // namespace reluctance
