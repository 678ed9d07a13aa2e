#include "reluctance/measure/attack_course.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// e_k - e_label for the other class k with the largest logit: N x C.
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
  Shape column(static_cast<std::size_t>(samples.images.dim()), 1);
  column[0] = -1;
  const Tensor alpha = step_size.view(column);
  Tensor x = samples.images.clone();
  Tensor d, gradient;
  Tensors norms, first, second, square, wrong;
  for (int64_t t = 0; t <= steps; ++t) {
    const Pass pass = forward(network, x, Keep::gates);
    if (t == 0) d = margin_direction(pass.logits, samples.labels);
    const Tensor p = at::softmax(pass.logits, 1);
    const Tensor s = p - at::one_hot(samples.labels, pass.logits.size(1));
    const Tensor mean = (d * p).sum(1);
    gradient = vector_jacobian(network, pass, s);
    norms.push_back(squared_rows(gradient).sqrt());
    first.push_back((d * s).sum(1) / 2);
    second.push_back(((d.square() * p).sum(1) - mean.square()) / 4);
    square.push_back(squared_rows(vector_jacobian(network, pass, d)));
    wrong.push_back(pass.logits.argmax(1).ne(samples.labels));
    if (t < steps) x = x + alpha * gradient;
  }
  return {at::stack(norms, 1),
          at::stack(first, 1),
          at::stack(second, 1),
          at::stack(square, 1),
          at::stack(wrong, 1),
          x - samples.images,
          gradient};
}

}  // namespace reluctance
