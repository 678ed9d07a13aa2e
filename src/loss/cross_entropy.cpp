#include "reluctance/loss/cross_entropy.hpp"

#include <ATen/ATen.h>

namespace reluctance {

Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  return -at::log_softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1);
}

Tensor logit_gradient(const Tensor& logits, const Tensor& labels) {
  const Tensor index = labels.unsqueeze(1);
  Tensor s = at::softmax(logits, 1).scatter_(1, index, 0);
  return s.scatter_(1, index, -s.sum(1, /*keepdim=*/true));
}

Tensor smoothed_cross_entropy(const Tensor& logits, const Tensor& labels, double a) {
  if (a == 0) return cross_entropy(logits, labels);
  const Tensor log_p = at::log_softmax(logits, 1);
  const Tensor own = log_p.gather(1, labels.unsqueeze(1)).squeeze(1);
  return -((1 - a) * own + a * log_p.mean(1));
}

Tensor smoothed_logit_gradient(const Tensor& logits, const Tensor& labels, double a) {
  if (a == 0) return logit_gradient(logits, labels);
  const Tensor s = logit_gradient(logits, labels).sub_(a / static_cast<double>(logits.size(1)));
  return s.scatter_add_(1, labels.unsqueeze(1), at::full({logits.size(0), 1}, a, s.options()));
}

Tensor logit_hessian_vector(const Tensor& logits, const Tensor& v) {
  const Tensor p = at::softmax(logits, 1);
  const Tensor apart = v - v.gather(1, logits.argmax(1, /*keepdim=*/true));
  return p * (apart - (p * apart).sum(1, /*keepdim=*/true));
}

Tensor logit_hessian_factor(const Tensor& logits) {
  const Tensor p = at::softmax(logits, 1);
  const Tensor q = (0.5 * at::log_softmax(logits, 1)).exp();
  const Tensor column = q.unsqueeze(2);
  Tensor factor = -(column * column) * q.unsqueeze(1);
  // On the diagonal q_k (1 - p_k), with 1 - p_k summed over the other classes for the same reason
  // as in the gradient.
  const Tensor others = at::mm(p, 1 - at::eye(p.size(1), p.options()));
  factor.diagonal(0, 1, 2).copy_(q * others);
  return factor;
}

}  // namespace reluctance
