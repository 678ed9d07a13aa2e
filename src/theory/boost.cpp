#include "reluctance/theory/boost.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

Tensor moved_logits(const LinearRegion& region, const Tensor& coefficients) {
  return at::bmm(region.gram, coefficients.unsqueeze(2)).squeeze(2);
}

Tensor boost_of(const LinearRegion& region, const Tensor& labels, const Tensor& moved) {
  const Tensor targets = labels.to(at::kCPU);
  const Tensor before = logit_gradient(region.logits, targets);
  const Tensor after = logit_gradient(region.logits + moved, targets);
  return after.norm(2, 1) / before.norm(2, 1);
}

}  // namespace

Tensor region_boost(const LinearRegion& region, const Tensor& labels, const Tensor& coefficients) {
  return boost_of(region, labels, moved_logits(region, coefficients));
}

Tensor region_boost(const Network& network, const LinearRegion& region, const Tensor& labels,
                    const Tensor& delta) {
  const Tensor there = delta.to(network.device(), network.dtype());
  const Tensor moved = jacobian_vector(network, region.pass, there);
  return boost_of(region, labels, moved.to(at::kCPU, at::kDouble));
}

Tensor quadratic_boost(const LinearRegion& region, const Tensor& labels,
                       const Tensor& coefficients) {
  const Tensor before = logit_gradient(region.logits, labels.to(at::kCPU));
  const Tensor change = logit_hessian_vector(region.logits, moved_logits(region, coefficients));
  return (before + change).norm(2, 1) / before.norm(2, 1);
}

Tensor boost_rate(const LinearRegion& region, const Tensor& labels) {
  // With B w = s the average is w^T B^T K B w / w^T w = s^T K s / w^T w. Both are taken from
  // logarithms and scaled by the largest entry of w: where a probability all but vanishes, s or w
  // would leave the range of numbers.
  const Tensor index = labels.to(at::kCPU).unsqueeze(1);
  const Tensor log_p = at::log_softmax(region.logits, 1);
  const Tensor others = log_p.scatter(1, index, -std::numeric_limits<double>::infinity());
  const Tensor log_s = others.scatter(1, index, at::logsumexp(others, {1}, /*keepdim=*/true));
  const Tensor log_w = log_s - 0.5 * log_p;
  const Tensor largest = log_w.amax({1}, /*keepdim=*/true);
  Tensor s = (log_s - largest).exp();
  s = s.scatter(1, index, -s.gather(1, index));
  return (s * moved_logits(region, s)).sum(1) / (log_w - largest).exp().square().sum(1);
}

}  // namespace reluctance
