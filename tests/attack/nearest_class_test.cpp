// The nearest-class attack: exact on linear networks, and as strong as attacks of many more passes.
#include "reluctance/attack/nearest_class.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "attack/subjects.hpp"
#include "network/random_networks.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

AttackResult run_nearest_class(const Network& network, const Samples& samples,
                               const NearestClassOptions& options) {
  return nearest_class_attack(options).run(network, samples, {});
}

class NearestClass : public testing::TestWithParam<Norm> {
 protected:
  NearestClassOptions options(double radius) const {
    NearestClassOptions options;
    options.ball = {GetParam(), radius};
    return options;
  }
};

TEST_P(NearestClass, DistancesAreThoseOfALinearNetwork) {
  const LinearSubject linear = linear_subject();
  CountedPasses passes(linear.network);
  const LinearDistances found = linear_distances(passes, linear.samples, {GetParam(), 0}, 20);
  const Tensor expected = boundary_distance(linear, GetParam());
  EXPECT_TRUE(at::allclose(found.distances.select(1, 0), expected, 1e-10, 0));
  EXPECT_EQ(found.classes.size(1), 5);  // all but the label
  EXPECT_FALSE(found.classes.eq(linear.samples.labels.unsqueeze(1)).any().item<bool>());
  EXPECT_TRUE(found.distances.diff(1, 1).ge(0).all().item<bool>());
  EXPECT_EQ(passes.count().forward, 60);
  EXPECT_EQ(passes.count().backward, 5 * 60);
}

TEST_P(NearestClass, TheNearestClassIsEnoughOnALinearNetwork) {
  const LinearSubject linear = linear_subject();
  const double radius = half_of_them(linear, GetParam()).radius;
  NearestClassOptions one = options(radius);
  one.targets = 1;
  const AttackResult result = run_nearest_class(linear.network, linear.samples, one);
  expect_honest(linear.network, linear.samples, one.ball, result);
  const Tensor distance = boundary_distance(linear, GetParam());
  EXPECT_TRUE(result.success.logical_or(distance.gt(0.999 * radius)).all().item<bool>());
  EXPECT_FALSE(result.success.logical_and(distance.gt(radius)).any().item<bool>());
  EXPECT_TRUE(at::equal(result.target.ge(0), result.success));
}

TEST_P(NearestClass, IsAtLeastAsStrongAsPgdOfEqualSteps) {
  for (const auto& [name, network] : networks_in_double()) {
    if (name != "mlp" && name != "cnn") continue;
    at::manual_seed(18);
    const Tensor images = random_input(network, 80);
    const Samples samples(images, logits(network, images).argmax(1));
    PgdOptions pgd;
    pgd.ball = {GetParam(), moderate_radius(GetParam())};
    const int64_t by_pgd =
        as_attack(pgd_attack(pgd)).run(network, samples, {}).success.sum().item<int64_t>();
    EXPECT_GT(by_pgd, 0) << name;
    EXPECT_LT(by_pgd, images.size(0)) << name;
    const AttackResult region = run_nearest_class(network, samples, options(pgd.ball.radius));
    EXPECT_GE(region.success.sum().item<int64_t>(), by_pgd) << name;
    expect_honest(network, samples, pgd.ball, region);
    const AttackResult again = run_nearest_class(network, samples, options(pgd.ball.radius));
    EXPECT_TRUE(at::equal(again.adversarial, region.adversarial)) << name;
  }
}

TEST_P(NearestClass, SpendsNothingOnWhatHasFallen) {
  const LinearSubject linear = linear_subject();
  const Samples wrong(linear.samples.images, (linear.samples.labels + 1) % 6);
  const AttackResult result = run_nearest_class(linear.network, wrong, options(0.01));
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_EQ(result.passes.forward, 60);
  EXPECT_EQ(result.passes.backward, 0);
}

// Passes, not seconds: they are the same on every machine.
TEST_P(NearestClass, CostIsLinearInImagesAndBoundedInClasses) {
  // Nothing falls in so small a ball: every sample costs all it can.
  for (int64_t classes : {10, 20, 100}) {
    for (int64_t count : {30, 60}) {
      const LinearSubject linear = linear_subject(count, classes);
      const NearestClassOptions all = options(1e-6 * half_of_them(linear, GetParam()).radius);
      const AttackResult result = run_nearest_class(linear.network, linear.samples, all);
      const int64_t asked = std::min(classes - 1, all.candidates);
      EXPECT_EQ(result.passes.backward, count * (asked + all.targets * all.steps));
      // Asked for its answer and for its region, then each point of each way.
      EXPECT_EQ(result.passes.forward, count * (2 + all.targets * (all.steps + 1)));
    }
  }
}

TEST_P(NearestClass, StartsOnTheWayToGuides) {
  const LinearSubject linear = linear_subject(200);
  // Without steps the adversarial examples are the starts themselves, where those fool the network.
  NearestClassOptions guided = options(0.4);
  guided.guides = make_guides(linear.network, linear.samples.images);
  guided.steps = 0;
  guided.targets = 5;
  const AttackResult result = run_nearest_class(linear.network, linear.samples, guided);
  const Tensor fell = result.success.nonzero().squeeze(1);
  ASSERT_GT(fell.size(0), 10);
  const Tensor grouped = linear.samples.labels.index_select(0, guided.guides.order);
  EXPECT_TRUE(at::equal(grouped, std::get<0>(linear.samples.labels.sort())));
  for (int64_t i = 0; i < fell.size(0); ++i) {
    const auto row = fell[i].item<int64_t>();
    const Tensor delta = (result.adversarial[row] - linear.samples.images[row]).flatten();
    const auto target = result.target[row].item<int64_t>();
    const Tensor ways = (linear.samples.images.index_select(
                             0, linear.samples.labels.eq(target).nonzero().squeeze(1)) -
                         linear.samples.images[row])
                            .flatten(1);
    // Some image of the target lies that way: in the signs of all pixels that moved.
    const Tensor moved = delta.ne(0);
    const Tensor agree = ways.sign().eq(delta.sign()).logical_or(moved.logical_not()).all(1);
    EXPECT_TRUE(agree.any().item<bool>()) << row;
    // 36 pixels: two of them in L2, all in L-infinity, in L1 as many as the radius takes all the
    // way.
    if (GetParam() != Norm::l1) {
      EXPECT_EQ(moved.sum().item<int64_t>(), GetParam() == Norm::l2 ? 2 : 36) << row;
      continue;
    }
    const Tensor there = (ways - delta).abs().lt(1e-12);
    const Tensor whole = there.logical_or(moved.logical_not()).sum(1).ge(35);
    EXPECT_TRUE(agree.logical_and(whole).any().item<bool>()) << row;
  }
}

TEST_P(NearestClass, GuidedIsExactOnALinearNetworkAndKnowsNoGuideForSomeClasses) {
  const LinearSubject linear = linear_subject();
  const double radius = half_of_them(linear, GetParam()).radius;
  const Tensor distance = boundary_distance(linear, GetParam());
  for (int64_t known : {60, 3, 1}) {
    NearestClassOptions guided = options(radius);
    guided.guides = make_guides(linear.network, linear.samples.images.slice(0, 0, known));
    guided.restarts = 2;
    const AttackResult result = run_nearest_class(linear.network, linear.samples, guided);
    expect_honest(linear.network, linear.samples, guided.ball, result);
    EXPECT_TRUE(result.success.logical_or(distance.gt(0.999 * radius)).all().item<bool>()) << known;
    EXPECT_FALSE(result.success.logical_and(distance.gt(radius)).any().item<bool>()) << known;
  }
}

TEST_P(NearestClass, DistancesToTheBoundaryOfALinearNetworkAreFound) {
  const LinearSubject linear = linear_subject();
  Tensor labels = linear.samples.labels.clone();
  labels[0] = (labels[0] + 1) % 6;
  NearestPointOptions options;
  options.norm = GetParam();
  const NearestResult nearest =
      nearest_points(linear.network, {linear.samples.images, labels}, options);
  EXPECT_EQ(nearest.distance[0].item<double>(), 0);
  const Tensor expected = boundary_distance(linear, GetParam()).slice(0, 1);
  const Tensor ratio = nearest.distance.slice(0, 1) / expected;
  EXPECT_GE(ratio.min().item<double>(), 1 - 1e-9);
  EXPECT_LE(ratio.max().item<double>(), 1.02);
  const Tensor delta = nearest.adversarial - linear.samples.images;
  EXPECT_TRUE(at::allclose(sample_norms(delta, GetParam()), nearest.distance));
  EXPECT_TRUE(logits(linear.network, nearest.adversarial).argmax(1).ne(labels).all().item<bool>());
}

TEST_P(NearestClass, DistancesAreAsShortAsThoseOfFab) {
  for (const auto& [name, network] : networks_in_double()) {
    if (name != "mlp" && name != "cnn") continue;
    at::manual_seed(18);
    const Tensor images = random_input(network, 40);
    const Samples samples(images, logits(network, images).argmax(1));
    NearestPointOptions options;
    options.norm = GetParam();
    const Tensor region = nearest_points(network, samples, options).distance;
    FabOptions fab;
    fab.ball.norm = GetParam();
    const Tensor published = fab_distances(network, samples, fab).distance;
    EXPECT_LE((region / published).median().item<double>(), 1.01) << name;
    // Few steps between corners of a ball: in L1 single images are less exact.
    const double most = GetParam() == Norm::l1 ? 1.3 : 1.2;
    EXPECT_LE((region / published).max().item<double>(), most) << name;
  }
}

TEST_P(NearestClass, DistancesBelongToTheirSamples) {
  const Network network = networks_in_double()[3].network;  // cnn
  at::manual_seed(18);
  const Tensor images = random_input(network, 40);
  const Samples samples(images, logits(network, images).argmax(1), at::arange(40) * 3 + 100);
  NearestPointOptions options;
  options.norm = GetParam();
  const auto run = [&](const Samples& those) {
    return nearest_points(network, those, options, {6, {}});
  };
  const NearestResult whole = run(samples);
  ASSERT_TRUE(whole.distance.isfinite().any().item<bool>());
  for (const Tensor& places :
       {at::arange(20), at::arange(20, 40), at::arange(40).flip(0), at::full({1}, 13, at::kLong)}) {
    const NearestResult part = run(samples.rows(places));
    EXPECT_TRUE(at::allclose(part.distance, whole.distance.index_select(0, places), 1e-9, 1e-9));
    EXPECT_TRUE(
        at::allclose(part.adversarial, whole.adversarial.index_select(0, places), 1e-9, 1e-9));
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, NearestClass, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

// Walls of the box in the way: several pixels have to go as far as they can.
TEST(NearestClassInL1, IsExactBetweenWalls) {
  const LinearSubject linear = linear_subject(60, 6, 0.5);
  const NearestResult nearest = nearest_points(linear.network, linear.samples, {.norm = Norm::l1});
  Tensor expected = at::empty_like(nearest.distance);
  for (int64_t i = 0; i < 60; ++i) expected[i] = l1_distance_in_box(linear, i);
  const Tensor without = boundary_distance(linear, Norm::l1);
  EXPECT_GT(expected.gt(1.05 * without).sum().item<int64_t>(), 10) << "no walls in the way";
  const Tensor ratio = nearest.distance / expected;
  EXPECT_GE(ratio.min().item<double>(), 1 - 1e-9);
  EXPECT_LE(ratio.max().item<double>(), 1.02);

  const double radius = expected.median().item<double>();
  NearestClassOptions one;
  one.ball = {Norm::l1, radius};
  const AttackResult result = run_nearest_class(linear.network, linear.samples, one);
  EXPECT_TRUE(result.success.logical_or(expected.gt(0.999 * radius)).all().item<bool>());
  EXPECT_FALSE(result.success.logical_and(expected.gt(radius)).any().item<bool>());
}

// Pixels at walls are not rounded, so a radius that is rounded up to their type would be exceeded.
TEST(NearestClassInL1, ARadiusIsNotRoundedToThePixelsType) {
  LinearSubject linear = linear_subject(60, 6, 0.5);
  linear.samples.images = linear.samples.images.to(at::kFloat).to(at::kDouble);
  const Network network = linear.network.to(at::kFloat);
  const Samples samples = linear.samples.with_images(linear.samples.images.to(at::kFloat));
  Tensor expected = at::empty({60}, at::kDouble);
  for (int64_t i = 0; i < 60; ++i) expected[i] = l1_distance_in_box(linear, i);
  for (int64_t i = 0; i < 60; ++i) {
    const auto rounded = static_cast<float>(1.01 * expected[i].item<double>());
    NearestClassOptions one;
    one.ball = {Norm::l1, rounded * (1 - std::ldexp(1.0, -26))};
    ASSERT_EQ(static_cast<float>(one.ball.radius), rounded);
    const AttackResult result = run_nearest_class(network, samples.slice(i, i + 1), one);
    EXPECT_TRUE(result.success.item<bool>()) << i;
  }
}

}  // namespace
}  // namespace reluctance
