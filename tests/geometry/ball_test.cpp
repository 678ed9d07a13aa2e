// Balls: what lies inside, and random points of them.
#include "reluctance/geometry/ball.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace reluctance {
namespace {

class Balls : public testing::TestWithParam<Norm> {};

TEST_P(Balls, InsideKnowsTheSurfaceAndTheWalls) {
  const Tensor clean = at::full({4, 9}, 0.5);
  // Nine pixels: 0.3 in all norms, but for what float32 makes of it.
  const double each = 0.3 / norm_of_ones(GetParam(), 9);
  Tensor x = clean + each * (1 - 1e-6);
  x[1] += 1e-5;
  x[2].fill_(std::numeric_limits<double>::quiet_NaN());
  x[3][0] = 1.5;
  const auto within = inside({GetParam(), 0.3}, clean, x);
  EXPECT_TRUE(at::equal(within, at::tensor({1, 0, 0, 0}).to(at::kBool)));
  EXPECT_FALSE(inside({GetParam(), 9.0}, clean, x)[3].item<bool>());
}

// In float64 rounding is small, and so is what it may excuse.
TEST_P(Balls, InsideIsStrictInDoublePrecision) {
  const Tensor clean = at::full({2, 9}, 0.5, at::kDouble);
  Tensor x = clean + 0.3 / norm_of_ones(GetParam(), 9);
  x[1] += 1e-13;
  EXPECT_TRUE(at::equal(inside({GetParam(), 0.3}, clean, x), at::tensor({1, 0}).to(at::kBool)));
}

TEST_P(Balls, PointsOverTheEdgeByRoundingAreDrawnInside) {
  at::manual_seed(4);
  for (const double radius : {1e-3, 8.0 / 255, 0.3, 2.0}) {
    const Ball ball{GetParam(), radius};
    const Tensor clean = at::rand({200, 3, 8, 8});
    Tensor delta = at::randn({200, 3, 8, 8}, at::kDouble);
    delta = delta / per_sample(sample_norms(delta, ball.norm), delta) * radius;
    Tensor x = (clean.to(at::kDouble) + delta).to(at::kFloat);
    x.slice(0, 0, 50) = (clean + 0.9 * delta.to(at::kFloat)).slice(0, 0, 50);
    const auto size = [&](const Tensor& points) {
      return sample_norms(points.to(at::kDouble) - clean.to(at::kDouble), ball.norm);
    };
    const Tensor over = size(x).gt(radius);
    ASSERT_TRUE(over.any().item<bool>());
    const Tensor drawn = drawn_inside(ball, clean, x);
    EXPECT_TRUE(size(drawn).le(radius).all().item<bool>());
    EXPECT_LE((drawn - x).abs().max().item<double>(), 1e-5 * std::max(1.0, radius));
    const Tensor kept = over.logical_not().nonzero().squeeze(1);
    EXPECT_TRUE(at::equal(drawn.index_select(0, kept), x.index_select(0, kept)));
    // Between a point and its clean one, and so in any box that holds both.
    EXPECT_TRUE(drawn.le(at::maximum(x, clean)).all().item<bool>());
    EXPECT_TRUE(drawn.ge(at::minimum(x, clean)).all().item<bool>());
  }
  // Where no shorter perturbation can be told from none, none is left.
  const Tensor clean = at::full({1, 4}, 0.5);
  const Tensor next = at::full({1, 4}, std::nextafter(0.5F, 1.0F));
  EXPECT_TRUE(at::equal(drawn_inside({GetParam(), 1e-9}, clean, next), clean));
}

TEST_P(Balls, RandomPointsDependOnSeedAndIndexAlone) {
  const Ball ball{GetParam(), 0.7};
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const Tensor like = at::empty({30, 2, 3, 4}, dtype);
    const Tensor index = at::arange(30) * 7 + 3;
    const Tensor all = random_in_ball(ball, like, index, 5);
    ASSERT_EQ(all.sizes(), like.sizes());
    EXPECT_EQ(all.scalar_type(), dtype);
    const auto those = [&](const Tensor& places) {
      return random_in_ball(ball, like.index_select(0, places), index.index_select(0, places), 5);
    };
    for (const Tensor& places : {at::arange(30), at::arange(30).flip(0), at::arange(0, 15),
                                 at::arange(15, 30), at::full({1}, 11, at::kLong)}) {
      EXPECT_TRUE(at::allclose(those(places), all.index_select(0, places), 1e-6, 0));
    }
    const Tensor other = random_in_ball(ball, like, index, 6);
    for (int64_t i = 0; i < 30; ++i) {
      EXPECT_FALSE(at::allclose(other[i], all[i])) << i;
      if (i > 0) {
        EXPECT_FALSE(at::allclose(all[i - 1], all[i])) << i;
      }
    }
  }
}

// Uniform in n dimensions: P(size < r) = r^n, and no direction is preferred.
TEST_P(Balls, RandomPointsFillThemUniformly) {
  constexpr int64_t count = 40000;
  const double radius = 0.4;
  for (const int64_t n : {1, 2, 3, 5}) {
    const Tensor like = at::empty({count, n}, at::kDouble);
    const Tensor points = random_in_ball({GetParam(), radius}, like, at::arange(count), 9);
    const Tensor sizes = sample_norms(points, GetParam()) / radius;
    EXPECT_LE(sizes.max().item<double>(), 1 + 1e-6);
    EXPECT_GT(sizes.max().item<double>(), 0.99);
    for (double r : {0.3, 0.5, 0.7, 0.9}) {
      const double expected = std::pow(r, static_cast<double>(n));
      EXPECT_NEAR(sizes.lt(r).to(at::kDouble).mean().item<double>(), expected,
                  5 * std::sqrt(expected * (1 - expected) / count))
          << n;
    }
    const Tensor moments = points.t().mm(points) / count;
    const double variance = moments.diagonal().mean().item<double>();
    EXPECT_LT(points.mean(0).abs().max().item<double>(), 5 * std::sqrt(variance / count));
    EXPECT_TRUE(at::allclose(moments, variance * at::eye(n, at::kDouble), 0, 0.03 * variance)) << n;
    // The half of small sizes looks just like the whole.
    const Tensor inner = points.index_select(0, sizes.lt(0.5).nonzero().squeeze(1));
    const Tensor ratio = inner.square().mean(0) / points.square().mean(0);
    EXPECT_TRUE(at::allclose(ratio, at::full_like(ratio, 0.25), 0.2, 0)) << n;
  }
}

// Where there are many pixels nearly all of a ball is at its surface.
TEST_P(Balls, RandomPointsOfManyPixelsLieInsideInEitherPrecision) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const Tensor clean = at::full({200, 3, 16, 16}, 0.5, dtype);
    const Ball ball{GetParam(), 0.4};
    const Tensor points = random_in_ball(ball, clean, at::arange(200), 2);
    EXPECT_TRUE(inside(ball, clean, clean + points).all().item<bool>());
    EXPECT_GT(sample_norms(points, GetParam()).min().item<double>(), 0.95 * ball.radius);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Balls, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

}  // namespace
}  // namespace reluctance
