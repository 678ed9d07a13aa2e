#include "reluctance/theory/training_effect.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/each_sample.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

// The gradient of u . z in the parameters as the image moves along `input`, the gates held.
Tensors moved_by(const Network& network, const Primal& at, const Tensor& input) {
  const Tangent moved = tangent(network, at.pass, {{}, input});
  const Tensor still = at::zeros_like(at.pass.logits);
  return gradient_tangent(network, at, moved, still, Wanted::parameters).parameters;
}

// With the gates held it is affine in the image: G(delta) is G(0) and its change, both with the
// logit gradient at x + delta.
Tensors attacked_gradient(const Network& network, const Pass& pass, const Samples& sample,
                          const Tensor& delta, const Loss& loss) {
  const Tensor there = pass.logits + jacobian_vector(network, pass, delta);
  const Tensor s = loss.gradient(there, sample.labels);
  Tensors sum = weight_gradient(network, pass, s);
  const Tensors moved = moved_by(network, primal(network, pass, s), delta);
  for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = sum[k] + moved[k];
  return sum;
}

}  // namespace

Tensor training_effects(const Network& network, const Samples& samples, const Tensor& delta,
                        const Tensor& u, const Loss& loss) {
  return each_sample(samples, [&](const Samples& sample, int64_t i) {
    const Tensor direction = u.slice(0, i, i + 1);
    const Pass pass = forward(network, sample.images, Keep::inputs);
    const Tensors step = attacked_gradient(network, pass, sample, delta.slice(0, i, i + 1), loss);
    const Tensor w = vector_jacobian(network, pass, direction);
    const Tensors along = moved_by(network, primal(network, pass, direction), w);
    Tensors parts;
    for (std::size_t k = 0; k < step.size(); ++k) parts.push_back(-(step[k] * along[k]).sum());
    return at::stack(parts);
  });
}

Tensor attacked_gradients(const Network& network, const Samples& samples, const Tensor& delta,
                          const Loss& loss) {
  return each_sample(samples, [&](const Samples& sample, int64_t i) {
    const Pass pass = forward(network, sample.images, Keep::inputs);
    Tensors flat;
    for (const Tensor& part :
         attacked_gradient(network, pass, sample, delta.slice(0, i, i + 1), loss)) {
      flat.push_back(part.flatten());
    }
    return at::cat(flat);
  });
}

}  // namespace reluctance
