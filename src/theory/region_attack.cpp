#include "reluctance/theory/region_attack.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "class_space.hpp"
#include "region_climber.hpp"

namespace reluctance {
namespace {

// One step of Dormand and Prince (1980), fifth order with an embedded fourth-order error estimate.
// Returns the new c; `error` becomes the difference of the two.
Vector dormand_prince(RegionClimber& climber, const Vector& c, double h, Vector& error) {
  static constexpr std::array<std::array<double, 6>, 6> a{{
      {1.0 / 5},
      {3.0 / 40, 9.0 / 40},
      {44.0 / 45, -56.0 / 15, 32.0 / 9},
      {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
      {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
      {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
  }};
  static constexpr std::array<double, 7> e{
      71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
  std::array<Vector, 7> slopes;
  slopes[0] = climber.gradient(c);
  Vector next = c;
  for (std::size_t stage = 0; stage < 6; ++stage) {
    next = c;
    for (std::size_t k = 0; k <= stage; ++k) next += h * a[stage][k] * slopes[k];
    slopes[stage + 1] = climber.gradient(next);
  }
  error = Vector::Zero(c.size());
  for (std::size_t k = 0; k < 7; ++k) error += h * e[k] * slopes[k];
  return next;
}

}  // namespace

Tensor region_attack(const LinearRegion& region, double beta, int64_t steps) {
  return region_attack(region, at::full({region.count()}, beta, at::kDouble), steps);
}

Tensor region_attack(const LinearRegion& region, const Tensor& beta, int64_t steps) {
  const Tensor alphas = (beta / static_cast<double>(steps)).contiguous();
  return climb_all(region, [&](RegionClimber& climber, Vector& c, int64_t i) {
    const double alpha = alphas.data_ptr<double>()[i];
    for (int64_t t = 0; t < steps; ++t) c += alpha * climber.gradient(c);
  });
}

Tensor region_attack_limit(const LinearRegion& region, double beta) {
  constexpr double tolerance = 1e-10;
  return climb_all(region, [&](RegionClimber& climber, Vector& c, int64_t) {
    double tau = 0;
    double h = beta / 10;
    Vector error;
    while (tau < beta) {
      h = std::min(h, beta - tau);
      const Vector next = dormand_prince(climber, c, h, error);
      const double scale = tolerance * std::max(next.cwiseAbs().maxCoeff(), 1e-3 * beta);
      const double ratio = error.cwiseAbs().maxCoeff() / scale;
      if (!std::isfinite(ratio)) {  // squared error never saturates: the flow leaves all numbers
        c.setConstant(std::nan(""));
        return;
      }
      // A step too small to change tau is taken anyway: the flow is smooth, rounding is the limit.
      if (ratio <= 1 || h <= 1e-12 * beta) {
        tau += h;
        c = next;
      }
      h *= std::clamp(0.9 * std::pow(std::max(ratio, 1e-10), -0.2), 0.2, 5.0);
    }
  });
}

Tensor region_attack_l2(const LinearRegion& region, const BallSteps& ball) {
  return climb_all(region, [&](RegionClimber& climber, Vector& c, int64_t) {
    for (int64_t t = 0; t < ball.steps; ++t) {
      const Vector& s = climber.gradient(c);
      const double norm = std::sqrt(std::max(s.dot(climber.gram * s), 0.0));
      if (norm == 0) return;  // the gradient vanishes: the attack stands still
      c += ball.step_size / norm * s;
      const double length = std::sqrt(std::max(c.dot(climber.gram * c), 0.0));
      if (length > ball.radius) c *= ball.radius / length;
    }
  });
}

Tensor region_attack_linf(const Network& network, const LinearRegion& region, const Tensor& x,
                          const BallSteps& ball) {
  const int64_t samples = region.count();
  const int64_t classes = region.classes();
  const Tensor one_class = at::eye(classes, region.pass.logits.options())
                               .unsqueeze(1)
                               .expand({classes, samples, classes})
                               .reshape({classes * samples, classes});
  // The rows of J, N x C x n, not centred: where closed gates make the gradient exactly zero its
  // sign must be.
  const Tensor rows = vector_jacobian(network, region.pass, one_class)
                          .view({classes, samples, -1})
                          .transpose(0, 1)
                          .to(at::kCPU, at::kDouble);
  const Tensor clean = x.reshape({samples, -1}).to(at::kCPU, at::kDouble);
  Tensor low = at::full_like(clean, -ball.radius);
  Tensor high = at::full_like(clean, ball.radius);
  if (ball.pixel_box) {
    low = at::maximum(low, -clean);
    high = at::minimum(high, 1 - clean);
  }
  Tensor delta = at::zeros_like(clean);
  for (int64_t t = 0; t < ball.steps; ++t) {
    const Tensor z = region.logits + at::bmm(rows, delta.unsqueeze(2)).squeeze(2);
    const Tensor s = region.loss.gradient(z, region.labels);
    const Tensor gradient = at::bmm(s.unsqueeze(1), rows).squeeze(1);
    delta = at::minimum(at::maximum(delta + ball.step_size * gradient.sign(), low), high);
  }
  return delta.view(x.sizes());
}

}  // namespace reluctance
