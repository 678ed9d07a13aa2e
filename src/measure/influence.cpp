#include "reluctance/measure/influence.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

Tensor row_products(const Tensor& a, const Tensor& b) { return (a * b).flatten(1).sum(1); }

}  // namespace

InfluenceMeasurement measure_influence(const Network& network, const Tensor& images,
                                       const Tensor& labels, const Attack& attack) {
  Tensor strength = at::zeros({images.size(0)}, images.options());
  Attack watched = attack;
  watched.direction = [&](const Tensor& gradient) {
    const Tensor squares = row_products(gradient, gradient);
    Tensor direction = attack.direction(gradient.clone());
    const Tensor along = row_products(direction, gradient) / squares;
    strength.add_(at::where(squares > 0, along, at::zeros_like(along)), attack.step_size);
    return direction;
  };
  const Tensor attacked = climb(network, images, labels, images, watched);
  const Pass before = forward(network, images, Keep::inputs);
  const Pass after = forward(network, attacked, Keep::inputs);
  const Tensor s_before = logit_gradient(before.logits, labels);
  const Tensor s_after = logit_gradient(after.logits, labels);
  return {attacked - images,
          squared_gradient_norms(network, before, s_before).sqrt(),
          squared_gradient_norms(network, after, s_after).sqrt(),
          s_after.norm(2, 1) / s_before.norm(2, 1),
          strength,
          gates_flipped(network, before, after),
          (-cross_entropy(before.logits, labels)).exp(),
          before.logits.argmax(1),
          after.logits.argmax(1)};
}

Concentration concentration(const Tensor& weights) {
  const auto [sorted, order] = weights.to(at::kCPU, at::kDouble).sort(0, /*descending=*/true);
  const int64_t count = sorted.size(0);
  const auto n = static_cast<double>(count);
  const double sum = sorted.sum().item<double>();
  if (count == 0 || sum <= 0) return {1, 0, 0, 0};
  const auto top = [&](double share) {
    const auto few = std::max<int64_t>(1, std::llround(share * n));
    return sorted.slice(0, 0, few).sum().item<double>() / sum;
  };
  // With descending weights: 1 - 2 * (area under the curve of shares) with ranks from the smallest.
  const Tensor ranks = at::arange(count, 0, -1, at::kDouble);
  const double gini = (2 * (ranks * sorted).sum().item<double>() / sum - (n + 1)) / n;
  return {sum * sum / (n * sorted.square().sum().item<double>()), gini, top(0.01), top(0.05)};
}

}  // namespace reluctance
