#include "reluctance/theory/boost.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

Tensor moved_logits(const LinearRegion& region, const Tensor& coefficients) {
  return at::bmm(region.gram, coefficients.unsqueeze(2)).squeeze(2);
}

Tensor boost_of(const LinearRegion& region, const Tensor& moved) {
  const Tensor after = region.loss.gradient(region.logits + moved, region.labels);
  return after.norm(2, 1) / region.logit_gradient().norm(2, 1);
}

}  // namespace

Tensor region_boost(const LinearRegion& region, const Tensor& coefficients) {
  return boost_of(region, moved_logits(region, coefficients));
}

Tensor region_boost(const Network& network, const LinearRegion& region, const Tensor& delta) {
  const Tensor there = delta.to(network.device(), network.dtype());
  const Tensor moved = jacobian_vector(network, region.pass, there);
  return boost_of(region, moved.to(at::kCPU, at::kDouble));
}

Tensor quadratic_boost(const LinearRegion& region, const Tensor& coefficients) {
  const Tensor before = region.logit_gradient();
  const Tensor change =
      region.loss.hessian_vector(region.logits, moved_logits(region, coefficients));
  return (before + change).norm(2, 1) / before.norm(2, 1);
}

Tensor boost_rate(const LinearRegion& region) {
  if (region.loss.name != cross_entropy_loss().name) {
    throw Error("the rate of the boost is that of cross-entropy, not of " + region.loss.name);
  }
  // With B w = s the average is w^T B^T K B w / w^T w = s^T K s / w^T w. Both are taken from
  // logarithms and scaled by the largest entry of w: where a probability all but vanishes, s or w
  // would leave the range of numbers.
  const Tensor index = region.labels.unsqueeze(1);
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
