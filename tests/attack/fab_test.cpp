// FAB: its projection against closed forms and a search, its distances on linear networks.
#include "reluctance/attack/fab.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attack/subjects.hpp"
#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

class Fab : public testing::TestWithParam<Norm> {
 protected:
  FabOptions options(int64_t iterations) const {
    FabOptions chosen;
    chosen.ball = {GetParam(), 0.1};
    chosen.iterations = iterations;
    return chosen;
  }
  FabOptions options(int64_t iterations, double radius) const {
    FabOptions chosen = options(iterations);
    chosen.ball.radius = radius;
    return chosen;
  }
  Tensor size(const Tensor& x) const { return sample_norms(x, GetParam()); }
};

struct Plane {
  Tensor x, gradient, value;
};

Plane random_plane(double spread) {
  at::manual_seed(9);
  return {0.5 + spread * (at::rand({50, 30}, at::kDouble) - 0.5), at::randn({50, 30}, at::kDouble),
          2 * at::randn({50}, at::kDouble)};
}

// In L1 the smallest step has conditions of its own: FabInL1.
class FabAtWalls : public Fab {};

TEST_P(Fab, ProjectionWithoutWallsIsTheClosedForm) {
  auto [x, gradient, value] = random_plane(0.1);
  value.mul_(0.1);
  const Tensor step = project_onto_boundary({GetParam(), 0}, x, gradient, value);
  EXPECT_TRUE(at::allclose(size(step), value.abs() / dual_norms(gradient, GetParam())));
  EXPECT_TRUE(at::allclose((gradient * step).sum(1), -value));
}

TEST_P(FabAtWalls, ProjectionMeetsTheConditionsOfTheSmallestStep) {
  const auto [x, gradient, value] = random_plane(1.0);
  const Tensor step = project_onto_boundary({GetParam(), 0}, x, gradient, value);
  const Tensor moved = x + step;
  EXPECT_GE(moved.min().item<double>(), -1e-12);
  EXPECT_LE(moved.max().item<double>(), 1 + 1e-12);
  EXPECT_TRUE(at::allclose((gradient * step).sum(1), -value));
  // Optimal: pixels away from the walls move by one lambda times 1 or |gradient|, the others less.
  const Tensor free = moved.gt(1e-9).logical_and(moved.lt(1 - 1e-9));
  EXPECT_GT(free.logical_not().sum().item<int64_t>(), 50);
  const Tensor rate = step.abs() / (GetParam() == Norm::linf ? at::ones_like(x) : gradient.abs());
  const Tensor lambda = at::where(free, rate, at::zeros_like(rate)).amax(1, true);
  EXPECT_TRUE(at::allclose(at::where(free, rate, lambda.expand_as(rate)), lambda.expand_as(rate),
                           1e-9, 1e-12));
  EXPECT_TRUE(rate.le(lambda + 1e-9).all().item<bool>());
}

TEST_P(Fab, ProjectionOutOfReachGoesToTheNearestCorner) {
  const auto [x, gradient, value] = random_plane(1.0);
  const Tensor step =
      project_onto_boundary({GetParam(), 0}, x, gradient, at::full_like(value, 1e3));
  EXPECT_TRUE(at::allclose(x + step, gradient.lt(0).to(at::kDouble)));
}

TEST_P(Fab, ProjectionOfAFlatBoundaryStays) {
  const auto [x, gradient, value] = random_plane(1.0);
  const Tensor step = project_onto_boundary({GetParam(), 0}, x, at::zeros_like(x), value);
  EXPECT_TRUE(at::equal(step, at::zeros_like(x)));
}

TEST_P(Fab, DistanceOnALinearNetworkIsTheClosedForm) {
  const LinearSubject linear = linear_subject();
  const NearestResult nearest = fab_distances(linear.network, linear.samples, options(100));
  const Tensor expected = boundary_distance(linear, GetParam());
  EXPECT_TRUE(nearest.distance.ge(expected * (1 - 1e-9)).all().item<bool>());
  EXPECT_TRUE(at::allclose(nearest.distance, expected, 0.01));
  EXPECT_TRUE(at::allclose(size(nearest.adversarial - linear.samples.images), nearest.distance));
  EXPECT_TRUE(logits(linear.network, nearest.adversarial)
                  .argmax(1)
                  .ne(linear.samples.labels)
                  .all()
                  .item<bool>());
}

TEST_P(Fab, FellsWhatALinearNetworkCannotHold) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const AttackResult result =
      fab_attack(options(40, ball.radius)).run(linear.network, linear.samples, {});
  expect_honest(linear.network, linear.samples, ball, result);
  const Tensor distance = boundary_distance(linear, GetParam());
  EXPECT_FALSE(result.success.logical_and(distance.gt(ball.radius)).any().item<bool>());
  const Tensor weak = distance.lt(0.97 * ball.radius);
  EXPECT_FALSE(weak.logical_and(result.success.logical_not()).any().item<bool>());
  EXPECT_TRUE(at::equal(result.target.ge(0), result.success));
}

TEST_P(Fab, EqualsTheDistancesOnANonlinearNetwork) {
  const Network network = networks_in_double()[2].network;
  at::manual_seed(3);
  const Tensor images = random_input(network, 60);
  const Samples samples(images, logits(network, images).argmax(1));
  const NearestResult nearest = fab_distances(network, samples, options(30));
  EXPECT_TRUE(at::isfinite(nearest.distance).all().item<bool>());
  const Ball ball{GetParam(), nearest.distance.median().item<double>()};
  const AttackResult result = fab_attack(options(30, ball.radius)).run(network, samples, {});
  expect_honest(network, samples, ball, result);
  EXPECT_TRUE(at::equal(result.success, nearest.distance.le(ball.radius)));
  EXPECT_LT(result.passes.backward, nearest.passes.backward);
}

INSTANTIATE_TEST_SUITE_P(Norms, Fab, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });
INSTANTIATE_TEST_SUITE_P(Norms, FabAtWalls, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

// The least L1 length with which a linear function gains `wanted` within the box, by duality: the
// most of mu wanted - sum over i of room_i max(0, mu |gradient_i| - 1) over mu >= 0, which is
// concave and piecewise linear with kinks at 1 / |gradient_i|. One row.
double least_length(const Tensor& x, const Tensor& gradient, double value) {
  const Tensor slope = gradient.abs();
  const Tensor room = at::where((gradient * value).lt(0), 1 - x, x);
  double most = 0;
  for (int64_t i = 0; i < slope.size(0); ++i) {
    const double mu = 1 / slope[i].item<double>();
    const double lost = (room * (mu * slope - 1).clamp_min(0)).sum().item<double>();
    most = std::max(most, mu * std::abs(value) - lost);
  }
  return most;
}

TEST(FabInL1, ProjectionIsAsShortAsLinearProgrammingSays) {
  for (const double spread : {0.1, 1.0}) {
    const auto [x, gradient, value] = random_plane(spread);
    const Tensor step = project_onto_boundary({Norm::l1, 0}, x, gradient, value);
    EXPECT_TRUE((x + step).ge(-1e-15).logical_and((x + step).le(1 + 1e-15)).all().item<bool>());
    EXPECT_TRUE(at::allclose((gradient * step).sum(1), -value, 1e-12, 1e-13));
    for (int64_t i = 0; i < x.size(0); ++i) {
      EXPECT_NEAR(step[i].abs().sum().item<double>(),
                  least_length(x[i], gradient[i], value[i].item<double>()), 1e-12)
          << i;
    }
    // Few pixels move, all but one of them to a wall.
    const Tensor moved = x + step;
    const Tensor walls = moved.eq(0).logical_or(moved.eq(1));
    EXPECT_TRUE(step.ne(0).logical_and(walls.logical_not()).sum(1).le(1).all().item<bool>());
  }
}

TEST(FabInL1, IsWithinSomePercentOfALinearNetworkBetweenWalls) {
  const LinearSubject linear = linear_subject(60, 6, 0.5);
  const Tensor distance =
      fab_distances(linear.network, linear.samples, {.ball = {Norm::l1, 1}}).distance;
  for (int64_t i = 0; i < 60; ++i) {
    const double ratio = distance[i].item<double>() / l1_distance_in_box(linear, i);
    EXPECT_GE(ratio, 1 - 1e-9) << i;
    EXPECT_LE(ratio, 1.05) << i;
  }
}

TEST(FabPasses, AreTwoForwardAndOneBackwardAnIteration) {
  const LinearSubject linear = linear_subject(20, 4);
  FabOptions options;
  options.iterations = 5;
  const NearestResult nearest = fab_distances(linear.network, linear.samples, options);
  EXPECT_EQ(nearest.passes.backward, 20 * 3 * 5);
  EXPECT_EQ(nearest.passes.forward, 20 * (1 + 3 * 5 * 2));
}

TEST(FabPasses, WrongAnswersAreTheirOwnNearest) {
  const LinearSubject linear = linear_subject(20, 4);
  const Samples wrong(linear.samples.images, (linear.samples.labels + 1).remainder(4));
  const NearestResult nearest = fab_distances(linear.network, wrong, FabOptions{});
  EXPECT_TRUE(nearest.distance.eq(0).all().item<bool>());
  EXPECT_TRUE(at::equal(nearest.adversarial, linear.samples.images));
}

}  // namespace
}  // namespace reluctance
