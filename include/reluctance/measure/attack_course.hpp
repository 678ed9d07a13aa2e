// A raw attack step by step, as the numbers that the paper's results speak of.
#pragma once

#include <cstdint>

#include "reluctance/base/samples.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// Of N samples at the image and after each of m steps: N x (m + 1), float64. The scalar z is the
// margin of the other class that was strongest at the image; its derivatives are those of the whole
// loss as the two logits are moved apart, so that in a network of two classes g_z = p and H_z = p
// (1 - p).
struct AttackCourse {
  Tensor gradient_norm;   // ||dL/dx||
  Tensor first, second;   // g_z, H_z
  Tensor square;          // ||dz/dx||^2
  Tensor answered_wrong;  // booleans
  Tensor delta;           // N x input shape, at the end

  // sum over the steps of alpha ||dz/dx||^2 H_z: the exponent A as gates flip on the way. N.
  Tensor exponent(const Tensor& step_size) const;
};

// Cross-entropy is climbed without ball or box. network and samples (inputs of it) in float64;
// step_size: alpha of each sample (N).
AttackCourse measure_course(const Network& network, const Samples& samples, const Tensor& step_size,
                            int64_t steps);

}  // namespace reluctance
