// FAB: its projection against closed forms and a search, its distances on linear networks.
#include "reluctance/attack/fab.hpp"

#include <gtest/gtest.h>

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

TEST_P(Fab, ProjectionWithoutWallsIsTheClosedForm) {
  auto [x, gradient, value] = random_plane(0.1);
  value.mul_(0.1);
  const Tensor step = project_onto_boundary(GetParam(), x, gradient, value);
  const Tensor dual = gradient.norm(GetParam() == Norm::linf ? 1 : 2, 1);
  EXPECT_TRUE(at::allclose(size(step), value.abs() / dual));
  EXPECT_TRUE(at::allclose((gradient * step).sum(1), -value));
}

TEST_P(Fab, ProjectionWithWallsMeetsTheConditionsOfTheSmallestStep) {
  const auto [x, gradient, value] = random_plane(1.0);
  const Tensor step = project_onto_boundary(GetParam(), x, gradient, value);
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
  const Tensor step = project_onto_boundary(GetParam(), x, gradient, at::full_like(value, 1e3));
  EXPECT_TRUE(at::allclose(x + step, gradient.lt(0).to(at::kDouble)));
}

TEST_P(Fab, ProjectionOfAFlatBoundaryStays) {
  const auto [x, gradient, value] = random_plane(1.0);
  const Tensor step = project_onto_boundary(GetParam(), x, at::zeros_like(x), value);
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

INSTANTIATE_TEST_SUITE_P(Norms, Fab, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

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

TEST(FabNorms, RefusesL1) {
  FabOptions options;
  options.ball.norm = Norm::l1;
  EXPECT_THROW(fab_attack(options), Error);
  const LinearSubject linear = linear_subject(5, 4);
  EXPECT_THROW(fab_distances(linear.network, linear.samples, options), Error);
}

}  // namespace
}  // namespace reluctance
