// The region-exact attacks against the real ones inside one region, and their limit, in float64.
#include "reluctance/theory/region_attack.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "reluctance/theory/boost.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class RegionAttacks : public RandomRegion {};

TEST_P(RegionAttacks, EqualTheRealAttackInsideTheRegion) {
  const int64_t steps = 40;
  const double beta = strength_inside_the_region(steps);
  const Tensor attacked = attacked_images(network(), samples_, raw(beta, steps));
  ASSERT_TRUE(same_gates(attacked));
  const Tensor delta = perturbation(network(), region_, region_attack(region_, beta, steps));
  // The perturbation is a difference of images near 1, so its digits end at 1e-16 of the image.
  const double rounding = (1e-14 * images().norm() / delta.norm()).item<double>();
  EXPECT_LT(relative_error(delta, attacked - images()), 1e-12 + rounding);
}

// The largest attack of that norm, without random start, that stays inside the region.
TEST_P(RegionAttacks, OnBallsEqualTheRealAttackInsideTheRegion) {
  const int64_t steps = 12;
  const auto stays_inside = [&](GradientAscent attack) {
    bool inside = true;
    for (attack.steps = 1; attack.steps <= steps && inside; ++attack.steps) {
      inside = same_gates(attacked_images(network(), samples_, attack));
    }
    return inside;
  };
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    PgdOptions options;
    options.steps = steps;
    options.random_start = false;
    GradientAscent attack;
    for (double radius = 1.0;; radius /= 2) {
      ASSERT_GT(radius, 1e-9) << "no radius stays inside the region";
      options.ball = {norm, radius};
      attack = pgd_attack(options);
      attack.loss = loss();
      attack.pixel_box = norm == Norm::linf;
      if (stays_inside(attack)) break;
    }
    const double radius = attack.ball->radius;
    const BallSteps ball{attack.step_size, steps, radius, attack.pixel_box};
    const Tensor delta = norm == Norm::l2
                             ? perturbation(network(), region_, region_attack_l2(region_, ball))
                             : region_attack_linf(network(), region_, images(), ball);
    const Tensor end = attacked_images(network(), samples_, attack);
    EXPECT_LT(relative_error(delta, end - images()), 1e-10 + 1e-14 / radius) << to_string(norm);
    const auto length = [&](const Tensor& x) {
      const Tensor z = forward(network(), x, Keep::nothing).logits;
      return loss().gradient(z, samples_.labels).norm(2, 1);
    };
    const Tensor boost = region_boost(network(), region_, delta);
    EXPECT_LT(relative_error(boost, length(end) / length(images())), 1e-9) << to_string(norm);
  }
}

TEST_P(RegionAttacks, InABallWithoutBoundAndWithoutTheBox) {
  // Far beyond pixels that exist: every one has moved by all its steps.
  const BallSteps free{0.5, 6, std::numeric_limits<double>::infinity(), false};
  const Tensor delta = region_attack_linf(network(), region_, images(), free);
  EXPECT_LE(delta.abs().max().item<double>(), 3);
  EXPECT_GT(delta.abs().max().item<double>(), 1);
  BallSteps boxed = free;
  boxed.pixel_box = true;
  const Tensor inside = images() + region_attack_linf(network(), region_, images(), boxed);
  EXPECT_GE(inside.min().item<double>(), 0);
  EXPECT_LE(inside.max().item<double>(), 1);
}

TEST_P(RegionAttacks, StepsConvergeToTheFlow) {
  const double beta = 3.0 / spectrum_.eigenvalues.max().item<double>();
  const Tensor flow = region_attack_limit(region_, beta);
  double previous = 1e300;
  for (int64_t steps : {100, 1000, 10000}) {
    const double error = relative_error(region_attack(region_, beta, steps), flow);
    EXPECT_LT(error, previous / 5);
    previous = error;
  }
  // Richardson extrapolation removes the first-order error of the steps.
  const Tensor extrapolated =
      2 * region_attack(region_, beta, 20000) - region_attack(region_, beta, 10000);
  EXPECT_LT(relative_error(extrapolated, flow), 1e-6);
}

// Cross-entropy saturates, so that no strength is too large; squared error is quadratic, and the
// flow has a closed form.
TEST_P(RegionAttacks, TheFlowSaturatesOrGrowsAsTheQuadraticLimit) {
  const Tensor largest = spectrum_.eigenvalues.select(1, 0);
  if (!squared_error()) {
    const double beta = 1e4 / largest.min().item<double>();
    EXPECT_TRUE(at::isfinite(region_attack_limit(region_, beta)).all().item<bool>());
    return;
  }
  for (const double growth : {3.0, 30.0, 250.0}) {
    const double beta = growth / largest.max().item<double>();
    const QuadraticSolution expected = quadratic_attack_limit(region_, beta);
    ASSERT_TRUE(expected.in_range.all().item<bool>());
    const Tensor flow = region_attack_limit(region_, beta);
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_LT(relative_error(flow[i], expected.coefficients[i]), 1e-8 * growth) << growth;
    }
  }
  // Beyond all numbers: said, and not searched for ever.
  const double beta = 1e4 / largest.min().item<double>();
  EXPECT_FALSE(at::isfinite(region_attack_limit(region_, beta)).any().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Networks, RegionAttacks, all_pairs(), name_of);

}  // namespace
}  // namespace reluctance
