#include "reluctance/theory/linear_region.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gram.hpp"

namespace reluctance {
namespace {

// Samples whose Jacobians are worked on in float64 at once.
constexpr int64_t samples_in_cache = 8;

// Orthonormal rows that span what is orthogonal to (1, ..., 1): C-1 x C. Row k weighs the first k+1
// classes alike against the next one (Helmert).
Tensor centred_basis(int64_t classes) {
  Tensor basis = at::zeros({classes - 1, classes}, at::kDouble);
  for (int64_t k = 0; k + 1 < classes; ++k) {
    const auto count = static_cast<double>(k + 1);
    const double length = std::sqrt(count * (count + 1));
    basis[k].slice(0, 0, k + 1).fill_(1 / length);
    basis[k][k + 1].fill_(-count / length);
  }
  return basis;
}

}  // namespace

Tensor gram_matrices(const Network& network, const Pass& pass, const Loss& loss,
                     const std::function<Tensor(const Tensor&)>& project) {
  const int64_t samples = pass.logits.size(0);
  const int64_t classes = network.classes();
  const Tensor basis = (loss.ignores_shift ? centred_basis(classes) : at::eye(classes, at::kDouble))
                           .to(pass.logits.options());
  // Copy k of the batch carries row k of the basis.
  Tensor rows = vector_jacobian(network, pass, basis.repeat_interleave(samples, 0));
  if (project) rows = project(rows);
  rows = rows.view({basis.size(0), samples, -1});
  const Tensor expand = basis.to(at::kCPU, at::kDouble);
  Tensor gram = at::empty({samples, classes, classes}, expand.options());
  const int64_t at_once = rows.is_cpu() ? samples_in_cache : samples;
  for (int64_t begin = 0; begin < samples; begin += at_once) {
    const int64_t end = std::min(begin + at_once, samples);
    const Tensor few = rows.slice(1, begin, end).transpose(0, 1).to(at::kDouble);
    const Tensor inner = at::bmm(few, few.transpose(1, 2)).to(at::kCPU);
    gram.slice(0, begin, end).copy_(at::matmul(expand.t(), at::matmul(inner, expand)));
  }
  return gram;
}

LinearRegion linear_region(const Network& network, const Samples& samples, const Loss& loss) {
  return linear_region(network, forward(network, samples.images, Keep::gates), samples.labels,
                       loss);
}

LinearRegion linear_region(const Network& network, Pass pass, const Tensor& labels,
                           const Loss& loss) {
  require_known_to_theory(loss);
  LinearRegion region{std::move(pass), labels.to(at::kCPU).contiguous(), loss, {}, {}};
  region.gram = gram_matrices(network, region.pass, loss);
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
