#include "reluctance/measure/influence.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

Tensor row_products(const Tensor& a, const Tensor& b) { return (a * b).flatten(1).sum(1); }

}  // namespace

InfluenceMeasurement measure_influence(const Network& network, const Samples& samples,
                                       const GradientAscent& attack) {
  const Tensor& images = samples.images;
  Tensor strength = at::zeros({samples.count()}, images.options());
  CountedPasses passes(network);
  const Tensor attacked_images =
      climb(passes, samples, images, attack, [&](const AscentStep& step) {
        const Tensor squares = row_products(step.gradient, step.gradient);
        const Tensor along = row_products(step.direction, step.gradient) / squares;
        strength.add_(at::where(squares > 0, along, at::zeros_like(along)), attack.step_size);
      });
  const Pass before = forward(network, images, Keep::inputs);
  const Pass after = forward(network, attacked_images, Keep::inputs);
  const LossAt clean = attack.loss.at(before.logits, samples.labels, {});
  const LossAt attacked = attack.loss.at(after.logits, samples.labels, {});
  const Tensor label = samples.labels.unsqueeze(1);
  return {attacked_images - images,
          squared_gradient_norms(network, before, clean.gradient).sqrt(),
          squared_gradient_norms(network, after, attacked.gradient).sqrt(),
          attacked.gradient.norm(2, 1) / clean.gradient.norm(2, 1),
          strength,
          gates_flipped(network, before, after),
          at::log_softmax(before.logits, 1).gather(1, label).squeeze(1).exp(),
          before.logits.argmax(1),
          after.logits.argmax(1)};
}

Concentration concentration(const Tensor& weights) {
  const Tensor sorted = std::get<0>(weights.to(at::kCPU, at::kDouble).sort(0, /*descending=*/true));
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
