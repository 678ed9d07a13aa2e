// Balls: what lies inside, what is brought back, and which way is steepest.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "reluctance/attack/ball.hpp"

namespace reluctance {
namespace {

class Balls : public testing::TestWithParam<Norm> {};

TEST_P(Balls, ProjectionsLieInsideInEitherPrecision) {
  at::manual_seed(2);
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const Tensor clean = at::rand({200, 3, 8, 8}, dtype);
    for (double radius : {0.0, 0.013, 0.3, 2.0}) {
      const Ball ball{GetParam(), radius};
      Tensor x = clean + at::randn_like(clean);
      Projection(ball, true, clean)(x);
      EXPECT_TRUE(inside(ball, clean, x).all().item<bool>());
    }
  }
}

TEST_P(Balls, InsideKnowsTheSurfaceAndTheWalls) {
  const Tensor clean = at::full({4, 9}, 0.5);
  const double each = GetParam() == Norm::linf ? 0.3 : 0.1;  // nine pixels: 0.3 in both norms
  Tensor x = clean + each;
  x[1] += 1e-5;
  x[2].fill_(std::numeric_limits<double>::quiet_NaN());
  x[3][0] = 1.5;
  const auto within = inside({GetParam(), 0.3}, clean, x);
  EXPECT_TRUE(at::equal(within, at::tensor({1, 0, 0, 0}).to(at::kBool)));
  EXPECT_FALSE(inside({GetParam(), 9.0}, clean, x)[3].item<bool>());
}

TEST_P(Balls, SteepestIsTheUnitStepThatGainsMost) {
  at::manual_seed(4);
  const Tensor gradient = at::randn({20, 2, 5}, at::kDouble);
  const Tensor step = steepest(GetParam(), gradient.clone());
  EXPECT_TRUE(at::allclose(sample_norms(step, GetParam()), at::ones({20}, at::kDouble)));
  const Tensor dual = gradient.flatten(1).norm(GetParam() == Norm::linf ? 1 : 2, 1);
  EXPECT_TRUE(at::allclose((gradient * step).flatten(1).sum(1), dual));
  const Tensor flat = at::zeros({1, 3}, at::kDouble);
  EXPECT_TRUE(at::equal(steepest(GetParam(), flat.clone()), flat));
}

INSTANTIATE_TEST_SUITE_P(Norms, Balls, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

}  // namespace
}  // namespace reluctance
