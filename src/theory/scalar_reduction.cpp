#include "reluctance/theory/scalar_reduction.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "class_space.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/theory/binary.hpp"

namespace reluctance {
namespace {

// (exp(A) - 1) / H_z, which goes to beta ||dz/dx||^2 where H_z vanishes.
Tensor grown(const ScalarReduction& reduction, const Tensor& beta) {
  const Tensor a = reduction.exponent(beta);
  const Tensor rate = at::where(a > 0, at::expm1(a) / a, at::ones_like(a));
  return beta * reduction.square * rate;
}

}  // namespace

ScalarReduction scalar_reduction(const LinearRegion& region) {
  if (region.loss.name != cross_entropy_loss().name) {
    throw Error("one scalar stands for the loss in cross-entropy alone, not in " +
                region.loss.name);
  }
  const Tensor label = region.labels.unsqueeze(1);
  const Tensor others = region.logits.scatter(1, label, -std::numeric_limits<double>::infinity());
  const Tensor rival = others.argmax(1, /*keepdim=*/true);
  const Tensor direction =
      at::zeros_like(region.logits).scatter_(1, rival, 1).scatter_(1, label, -1);
  const Tensor margin = (direction * region.logits).sum(1);
  const Tensor moved = at::bmm(region.gram, direction.unsqueeze(2)).squeeze(2);
  return {direction, margin, margin.sigmoid(), (direction * moved).sum(1)};
}

Tensor scalar_attack(const ScalarReduction& reduction, const Tensor& beta) {
  Tensor coefficients = at::zeros_like(reduction.direction);
  for (int64_t i = 0; i < reduction.margin.size(0); ++i) {
    const double square = reduction.square[i].item<double>();
    const double margin = reduction.margin[i].item<double>();
    if (!(square > 0)) continue;
    coefficients[i].copy_(
        reduction.direction[i] *
        ((binary_margin(margin, square, beta[i].item<double>()) - margin) / square));
  }
  return coefficients;
}

Tensor scalar_training_effect(const ScalarReduction& reduction, const Tensor& clean,
                              const Tensor& hidden, const Tensor& beta) {
  const Tensor growth = reduction.exponent(beta).exp();
  return growth * clean - growth * hidden * reduction.first().square() * grown(reduction, beta);
}

}  // namespace reluctance
