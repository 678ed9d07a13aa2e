#include "reluctance/theory/linear_region.hpp"

#include <ATen/ATen.h>

namespace reluctance {

LinearRegion linear_region(const Network& network, const Tensor& x) {
  return linear_region(network, forward(network, x, Keep::gates));
}

LinearRegion linear_region(const Network& network, Pass pass) {
  LinearRegion region{std::move(pass), {}, {}};
  const int64_t samples = region.pass.logits.size(0);
  const int64_t classes = network.classes();
  // Copy k of the batch carries row k of the centred identity.
  const Tensor seeds =
      at::eye(classes, region.pass.logits.options()) - 1.0 / static_cast<double>(classes);
  const Tensor rows = vector_jacobian(network, region.pass, seeds.repeat_interleave(samples, 0));
  const Tensor jacobian =
      rows.view({classes, samples, -1}).transpose(0, 1).to(at::kCPU, at::kDouble);  // N x C x n
  region.gram = at::bmm(jacobian, jacobian.transpose(1, 2));
  region.logits = region.pass.logits.to(at::kCPU, at::kDouble);
  return region;
}

Tensor perturbation(const Network& network, const LinearRegion& region,
                    const Tensor& coefficients) {
  // Scaled to at most 1, so that float32 cannot overflow in between.
  const Tensor scale = coefficients.abs().amax({1}, /*keepdim=*/true).clamp_min(1e-300);
  const Tensor directions = (coefficients / scale).to(region.pass.logits.options());
  const Tensor delta = vector_jacobian(network, region.pass, directions).to(at::kCPU, at::kDouble);
  Shape shape(static_cast<std::size_t>(delta.dim()), 1);
  shape[0] = -1;
  return delta * scale.view(shape);
}

}  // namespace reluctance
