// Projections onto ball and box: what every norm promises.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "reluctance/geometry/ball.hpp"

namespace reluctance {
namespace {

// A radius that reaches as far in any norm: each pixel may move by about `each`.
double radius_of(Norm norm, double each, const Tensor& like) {
  return each * norm_of_ones(norm, like[0].numel());
}

Tensor projected(const Projection& project, const Tensor& x) {
  Tensor moved = x.clone();
  project(moved);
  return moved;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class Projections : public testing::TestWithParam<Norm> {
 protected:
  Projections() {
    at::manual_seed(2);
    clean_ = at::rand({40, 2, 5, 6}, at::kDouble);
    // Walls that are touched from the start.
    clean_.slice(0, 0, 10).round_();
    far_ = clean_ + at::randn_like(clean_);
  }

  Tensor clean_, far_;
};

TEST_P(Projections, LieInsideInEitherPrecision) {
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

// Where `inside` allows for rounding, this does not.
TEST_P(Projections, EndInBallAndBox) {
  for (double each : {0.0, 0.02, 0.2, 0.9}) {
    const double radius = radius_of(GetParam(), each, clean_);
    const Tensor x = projected({Ball{GetParam(), radius}, true, clean_}, far_);
    EXPECT_GE(x.min().item<double>(), 0.0);
    EXPECT_LE(x.max().item<double>(), 1.0);
    EXPECT_LE(sample_norms(x - clean_, GetParam()).max().item<double>(),
              radius * (1 + 1e-12) + 1e-14);
    const Tensor free = projected({Ball{GetParam(), radius}, false, clean_}, far_);
    EXPECT_LE(sample_norms(free - clean_, GetParam()).max().item<double>(),
              radius * (1 + 1e-12) + 1e-14);
    // Without the box it goes beyond it.
    if (each > 0) {
      EXPECT_TRUE(free.lt(0).logical_or(free.gt(1)).any().item<bool>());
    }
  }
}

TEST_P(Projections, AreIdempotent) {
  for (const bool box : {false, true}) {
    for (double each : {0.0, 0.02, 0.2, 0.9}) {
      const Projection project({GetParam(), radius_of(GetParam(), each, clean_)}, box, clean_);
      const Tensor once = projected(project, far_);
      EXPECT_LT(largest_difference(projected(project, once), once), 1e-13);
    }
  }
}

TEST_P(Projections, LeaveInnerPointsAlone) {
  const Tensor grey = at::full_like(clean_, 0.5);
  const double radius = radius_of(GetParam(), 0.2, clean_);
  const Tensor delta = random_in_ball({GetParam(), radius}, grey, at::arange(40), 3);
  // Up to the box: its own points, not only those near the middle.
  const Tensor x = (grey + delta).clamp(0, 1);
  ASSERT_TRUE(inside({GetParam(), radius}, grey, x).all().item<bool>());
  for (const bool box : {false, true}) {
    EXPECT_LT(largest_difference(projected({Ball{GetParam(), radius}, box, grey}, x), x), 1e-15);
    EXPECT_LT(
        largest_difference(projected({Ball{GetParam(), radius}, box, clean_}, clean_), clean_),
        1e-15);
  }
}

TEST_P(Projections, BringWhatIsOutsideToTheSurface) {
  const double radius = radius_of(GetParam(), 0.05, clean_);
  for (const bool box : {false, true}) {
    // In L2 the box may cut off what the ball left.
    if (box && GetParam() == Norm::l2) continue;
    const Tensor x = projected({Ball{GetParam(), radius}, box, clean_}, far_);
    const Tensor sizes = sample_norms(x - clean_, GetParam());
    EXPECT_LT(largest_difference(sizes, at::full_like(sizes, radius)), 1e-12 * radius);
  }
}

TEST_P(Projections, TakeARadiusForEachSample) {
  const Tensor radii = at::linspace(0, radius_of(GetParam(), 0.3, clean_), 40, at::kDouble);
  for (const bool box : {false, true}) {
    const Tensor all = projected({{GetParam(), 0}, radii, box, clean_}, far_);
    for (int64_t i = 0; i < 40; ++i) {
      const Ball ball{GetParam(), radii[i].item<double>()};
      const auto one = [&](const Tensor& x) { return x.slice(0, i, i + 1); };
      EXPECT_LT(largest_difference(projected({ball, box, one(clean_)}, one(far_)), one(all)), 1e-14)
          << i;
    }
  }
}

// In L2 the box is an afterthought: only without it is the point the nearest.
TEST_P(Projections, NoFeasiblePointIsNearer) {
  for (const bool box : {false, true}) {
    if (box && GetParam() == Norm::l2) continue;
    const double radius = radius_of(GetParam(), 0.1, clean_);
    const Ball ball{GetParam(), radius};
    const Tensor x = projected({ball, box, clean_}, far_);
    const Tensor distance = (far_ - x).flatten(1).norm(2, 1);
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      Tensor other = clean_ + random_in_ball(ball, clean_, at::arange(40), seed);
      if (box) other.clamp_(0, 1);
      // Anywhere, and close by: the ball is convex.
      const Tensor close = x + 0.01 * (other - x);
      for (const Tensor& each : {other, close}) {
        const Tensor others = (far_ - each).flatten(1).norm(2, 1);
        EXPECT_TRUE(others.ge(distance * (1 - 1e-12)).all().item<bool>());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, Projections, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

}  // namespace
}  // namespace reluctance
