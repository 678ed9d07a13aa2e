#include "reluctance/measure/attack_course.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "reluctance/geometry/norm.hpp"
#include "reluctance/loss/loss.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// e_k - e_label for the other class k with the largest logit: N x C. The theory finds it on its
// own.
Tensor margin_direction(const Tensor& logits, const Tensor& labels) {
  const Tensor label = labels.unsqueeze(1);
  const Tensor others = logits.scatter(1, label, -std::numeric_limits<double>::infinity());
  return at::zeros_like(logits).scatter_(1, others.argmax(1, true), 1).scatter_(1, label, -1);
}

Tensor squared_rows(const Tensor& x) { return x.flatten(1).square().sum(1); }

}  // namespace

Tensor AttackCourse::exponent(const Tensor& step_size) const {
  return step_size * (square * second).slice(1, 0, -1).sum(1);  // the last point makes no step
}

AttackCourse measure_course(const Network& network, const Samples& samples, const Tensor& step_size,
                            int64_t steps) {
  const Tensor alpha = per_sample(step_size, samples.images);
  Tensor x = samples.images.clone();
  Tensor d;
  Tensors norms, first, second, square, wrong;
  for (int64_t t = 0; t <= steps; ++t) {
    const Pass pass = forward(network, x, Keep::gates);
    if (t == 0) d = margin_direction(pass.logits, samples.labels);
    check_interrupt();
    // Both classes' probabilities and what the others hold, none of them as a difference: confident
    // images have nothing left in 1 - p.
    const Tensor p = at::log_softmax(pass.logits, 1).exp();
    const Tensor s = cross_entropy_loss().gradient(pass.logits, samples.labels);
    const Tensor label = (p * d.eq(-1)).sum(1);
    const Tensor rival = (p * d.eq(1)).sum(1);
    const Tensor others = (p * d.eq(0)).sum(1);
    const Tensor gradient = vector_jacobian(network, pass, s);
    norms.push_back(squared_rows(gradient).sqrt());
    first.push_back((d * s).sum(1) / 2);
    second.push_back(label * rival + (label + rival) * others / 4);
    square.push_back(squared_rows(vector_jacobian(network, pass, d)));
    wrong.push_back(pass.logits.argmax(1).ne(samples.labels));
    if (t < steps) x = x + alpha * gradient;
  }
  return {at::stack(norms, 1),  at::stack(first, 1), at::stack(second, 1),
          at::stack(square, 1), at::stack(wrong, 1), x - samples.images};
}

}  // namespace reluctance
