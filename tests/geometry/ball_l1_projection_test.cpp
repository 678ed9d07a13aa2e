// The projection onto the L1 ball, alone and cut by the box, against a bisection.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "reluctance/geometry/ball.hpp"

namespace reluctance {
namespace {

// One sample, in plain loops. Lagrange: pixel i moves from `clean` by clamp(|u_i| - lambda, 0,
// room_i) towards u = x - clean, for the least lambda >= 0 with which the ball holds them all.
std::vector<double> by_bisection(const std::vector<double>& clean, const std::vector<double>& x,
                                 double radius, bool box) {
  const auto moved = [&](std::size_t i, double lambda) {
    const double u = x[i] - clean[i];
    const double room = !box ? INFINITY : u > 0 ? 1 - clean[i] : clean[i];
    return std::clamp(std::abs(u) - lambda, 0.0, room);
  };
  const auto total = [&](double lambda) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += moved(i, lambda);
    return sum;
  };
  double low = 0;
  double high = 0;
  for (std::size_t i = 0; i < x.size(); ++i) high = std::max(high, std::abs(x[i] - clean[i]));
  if (total(0) <= radius) high = 0;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (total(middle) > radius ? low : high) = middle;
  }
  std::vector<double> nearest(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    nearest[i] = clean[i] + std::copysign(moved(i, high), x[i] - clean[i]);
  }
  return nearest;
}

std::vector<double> numbers(const Tensor& row) {
  const Tensor flat = row.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

struct Points {
  Tensor clean, x;  // N x n
};

// Images of all kinds, some at the walls, and points near and far, some with equal pixels.
Points points(int64_t n) {
  at::manual_seed(n);
  constexpr int64_t count = 60;
  Tensor clean = at::rand({count, n}, at::kDouble);
  clean.slice(0, 0, 15).round_();
  clean.slice(0, 15, 20).fill_(0.5);
  const Tensor spread = at::logspace(-2, 1, 12, 10, at::kDouble).repeat({5}).unsqueeze(1);
  Tensor x = clean + spread * at::randn_like(clean);
  // Ties: many pixels that move alike.
  x.slice(0, 17, 20) = clean.slice(0, 17, 20) + spread.slice(0, 17, 20);
  x.slice(0, 20, 30) = x.slice(0, 20, 30).mul(4).round_().div_(4);
  return {clean, x};
}

class L1Projection : public testing::TestWithParam<bool> {};

TEST_P(L1Projection, IsTheNearestPointThatBisectionFinds) {
  for (const int64_t n : {1, 2, 5, 36, 784}) {
    const auto [clean, x] = points(n);
    for (const double share : {0.0, 1e-3, 0.05, 0.4, 2.0}) {
      const double radius = share * static_cast<double>(n);
      Tensor nearest = x.clone();
      Projection({Norm::l1, radius}, GetParam(), clean)(nearest);
      for (int64_t i = 0; i < x.size(0); ++i) {
        const Tensor expected = at::tensor(
            by_bisection(numbers(clean[i]), numbers(x[i]), radius, GetParam()), at::kDouble);
        EXPECT_LT((nearest[i] - expected).abs().max().item<double>(), 1e-9)
            << "sample " << i << " of " << n << " pixels, radius " << radius;
      }
    }
  }
}

// Random points of ball and box, and the sparse corners that they seldom come near.
TEST_P(L1Projection, IsNearerThanOtherPoints) {
  const int64_t n = 12;
  const auto [clean, x] = points(n);
  const Tensor index = at::arange(x.size(0));
  for (const double radius : {0.3, 2.0}) {
    const Ball ball{Norm::l1, radius};
    Tensor nearest = x.clone();
    Projection(ball, GetParam(), clean)(nearest);
    const Tensor distance = (x - nearest).norm(2, 1);
    const auto expect_farther = [&, &x = x](Tensor other) {
      if (GetParam()) other.clamp_(0, 1);  // towards `clean`: it stays in the ball
      EXPECT_TRUE((x - other).norm(2, 1).ge(distance - 1e-12).all().item<bool>());
    };
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const Tensor other = clean + random_in_ball(ball, clean, index, seed);
      expect_farther(other);
      expect_farther(nearest + 0.01 * (other - nearest));
    }
    for (int64_t i = 0; i < n; ++i) {
      for (const double sign : {-1.0, 1.0}) {
        Tensor corner = clean.clone();
        corner.select(1, i).add_(sign * radius);
        expect_farther(corner);
      }
    }
  }
}

// Rounded to float32, thousands of pixels would add up to a little more than the radius.
TEST_P(L1Projection, InSinglePrecisionIsInsideAsFloat64ReadsItAndClose) {
  for (const int64_t n : {5, 784, 3072}) {
    const auto [clean, x] = points(n);
    const Tensor single = clean.to(at::kFloat);
    for (const double share : {0.0, 1e-3, 0.05, 0.4}) {
      const Ball ball{Norm::l1, share * static_cast<double>(n)};
      Tensor nearest = x.to(at::kFloat);
      Projection(ball, GetParam(), single)(nearest);
      EXPECT_EQ(nearest.scalar_type(), at::kFloat);
      const Tensor sizes = (nearest.to(at::kDouble) - single.to(at::kDouble)).abs().sum(1);
      EXPECT_TRUE(sizes.le(ball.radius * (1 + 1e-12)).all().item<bool>()) << n;
      if (GetParam()) {
        EXPECT_TRUE(inside(ball, single, nearest).all().item<bool>()) << n;
      }
      Tensor exact = x.to(at::kFloat).to(at::kDouble);
      Projection(ball, GetParam(), single.to(at::kDouble))(exact);
      EXPECT_TRUE(at::allclose(nearest.to(at::kDouble), exact, 1e-6, 1e-6)) << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AloneAndInTheBox, L1Projection, testing::Bool(),
                         [](const auto& each) { return each.param ? "BallAndBox" : "Ball"; });

}  // namespace
}  // namespace reluctance
