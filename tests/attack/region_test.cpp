// The region attack: exact on linear networks, and as strong as attacks of many more passes.
#include <gtest/gtest.h>

#include "attack/subjects.hpp"
#include "network/random_networks.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/region.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

class Region : public testing::TestWithParam<Norm> {
 protected:
  RegionOptions options(double radius) const {
    RegionOptions options;
    options.ball = {GetParam(), radius};
    return options;
  }
};

TEST_P(Region, DistancesAreThoseOfALinearNetwork) {
  const LinearSubject linear = linear_subject();
  CountedPasses passes(linear.network);
  const LinearDistances found =
      linear_distances(passes, linear.images, linear.labels, GetParam(), 20);
  const Tensor expected = boundary_distance(linear, GetParam());
  EXPECT_TRUE(at::allclose(found.distances.select(1, 0), expected, 1e-10, 0));
  EXPECT_EQ(found.classes.size(1), 5);  // all but the label
  EXPECT_FALSE(found.classes.eq(linear.labels.unsqueeze(1)).any().item<bool>());
  EXPECT_TRUE(found.distances.diff(1, 1).ge(0).all().item<bool>());
  EXPECT_EQ(passes.count().forward, 60);
  EXPECT_EQ(passes.count().backward, 5 * 60);
}

TEST_P(Region, TheNearestClassIsEnoughOnALinearNetwork) {
  const LinearSubject linear = linear_subject();
  const double radius = half_of_them(linear, GetParam()).radius;
  RegionOptions one = options(radius);
  one.targets = 1;
  const AttackResult result = run_region(linear.network, linear.images, linear.labels, one);
  expect_honest(linear.network, linear.images, linear.labels, one.ball, result.adversarial,
                result.success);
  const Tensor distance = boundary_distance(linear, GetParam());
  EXPECT_TRUE(result.success.logical_or(distance.gt(0.999 * radius)).all().item<bool>());
  EXPECT_FALSE(result.success.logical_and(distance.gt(radius)).any().item<bool>());
  EXPECT_TRUE(at::equal(result.target.ge(0), result.success));
}

TEST_P(Region, IsAtLeastAsStrongAsPgdOfEqualSteps) {
  for (const auto& [name, network] : networks_in_double()) {
    if (name != "mlp" && name != "cnn") continue;
    at::manual_seed(18);
    const Tensor images = random_input(network, 80);
    const Tensor labels = logits(network, images).argmax(1);
    PgdOptions pgd;
    pgd.ball = {GetParam(), GetParam() == Norm::linf ? 0.02 : 0.15};
    const int64_t by_pgd =
        run_attack(network, images, labels, pgd_attack(pgd)).success.sum().item<int64_t>();
    EXPECT_GT(by_pgd, 0) << name;
    EXPECT_LT(by_pgd, images.size(0)) << name;
    const AttackResult region = run_region(network, images, labels, options(pgd.ball.radius));
    EXPECT_GE(region.success.sum().item<int64_t>(), by_pgd) << name;
    expect_honest(network, images, labels, pgd.ball, region.adversarial, region.success);
    const AttackResult again = run_region(network, images, labels, options(pgd.ball.radius));
    EXPECT_TRUE(at::equal(again.adversarial, region.adversarial)) << name;
  }
}

TEST_P(Region, SpendsNothingOnWhatHasFallen) {
  const LinearSubject linear = linear_subject();
  const Tensor wrong = (linear.labels + 1) % 6;
  const AttackResult result = run_region(linear.network, linear.images, wrong, options(0.01));
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_EQ(result.passes.forward, 60);
  EXPECT_EQ(result.passes.backward, 0);
}

// Passes, not seconds: they are the same on every machine.
TEST_P(Region, CostIsLinearInImagesAndBoundedInClasses) {
  // Nothing falls in so small a ball: every sample costs all it can.
  for (int64_t classes : {10, 20, 100}) {
    for (int64_t samples : {30, 60}) {
      const LinearSubject linear = linear_subject(samples, classes);
      const RegionOptions all = options(1e-6 * half_of_them(linear, GetParam()).radius);
      const AttackResult result = run_region(linear.network, linear.images, linear.labels, all);
      const int64_t asked = std::min(classes - 1, all.candidates);
      EXPECT_EQ(result.passes.backward, samples * (asked + all.targets * all.steps));
      // Asked for its answer and for its region, then each point of each way.
      EXPECT_EQ(result.passes.forward, samples * (2 + all.targets * (all.steps + 1)));
    }
  }
}

TEST_P(Region, StartsOnTheWayToGuides) {
  const LinearSubject linear = linear_subject(200);
  // Without steps the adversarial examples are the starts themselves, where those fool the network.
  RegionOptions guided = options(0.4);
  guided.guides = make_guides(linear.network, linear.images);
  guided.steps = 0;
  guided.targets = 5;
  const AttackResult result = run_region(linear.network, linear.images, linear.labels, guided);
  const Tensor fell = result.success.nonzero().squeeze(1);
  ASSERT_GT(fell.size(0), 10);
  const Tensor grouped = linear.labels.index_select(0, guided.guides.order);
  EXPECT_TRUE(at::equal(grouped, std::get<0>(linear.labels.sort())));
  for (int64_t i = 0; i < fell.size(0); ++i) {
    const auto row = fell[i].item<int64_t>();
    const Tensor delta = (result.adversarial[row] - linear.images[row]).flatten();
    const auto target = result.target[row].item<int64_t>();
    const Tensor ways =
        (linear.images.index_select(0, linear.labels.eq(target).nonzero().squeeze(1)) -
         linear.images[row])
            .flatten(1);
    // Some image of the target lies that way: in the signs of all pixels that moved.
    const Tensor moved = delta.ne(0);
    const Tensor agree = ways.sign().eq(delta.sign()).logical_or(moved.logical_not()).all(1);
    EXPECT_TRUE(agree.any().item<bool>()) << row;
    // 36 pixels: two of them in L2, all in L-infinity.
    EXPECT_EQ(moved.sum().item<int64_t>(), GetParam() == Norm::l2 ? 2 : 36) << row;
  }
}

TEST_P(Region, GuidedIsExactOnALinearNetworkAndKnowsNoGuideForSomeClasses) {
  const LinearSubject linear = linear_subject();
  const double radius = half_of_them(linear, GetParam()).radius;
  const Tensor distance = boundary_distance(linear, GetParam());
  for (int64_t known : {60, 3, 1}) {
    RegionOptions guided = options(radius);
    guided.guides = make_guides(linear.network, linear.images.slice(0, 0, known));
    guided.restarts = 2;
    const AttackResult result = run_region(linear.network, linear.images, linear.labels, guided);
    expect_honest(linear.network, linear.images, linear.labels, guided.ball, result.adversarial,
                  result.success);
    EXPECT_TRUE(result.success.logical_or(distance.gt(0.999 * radius)).all().item<bool>()) << known;
    EXPECT_FALSE(result.success.logical_and(distance.gt(radius)).any().item<bool>()) << known;
  }
}

TEST_P(Region, DistancesToTheBoundaryOfALinearNetworkAreFound) {
  const LinearSubject linear = linear_subject();
  Tensor labels = linear.labels.clone();
  labels[0] = (labels[0] + 1) % 6;
  RegionDistanceOptions options;
  options.norm = GetParam();
  const NearestResult nearest = region_distances(linear.network, linear.images, labels, options);
  EXPECT_EQ(nearest.distance[0].item<double>(), 0);
  const Tensor expected = boundary_distance(linear, GetParam()).slice(0, 1);
  const Tensor ratio = nearest.distance.slice(0, 1) / expected;
  EXPECT_GE(ratio.min().item<double>(), 1 - 1e-9);
  EXPECT_LE(ratio.max().item<double>(), 1.02);
  const Tensor delta = nearest.adversarial - linear.images;
  EXPECT_TRUE(at::allclose(sample_norms(delta, GetParam()), nearest.distance));
  EXPECT_TRUE(logits(linear.network, nearest.adversarial).argmax(1).ne(labels).all().item<bool>());
}

TEST_P(Region, DistancesAreAsShortAsThoseOfFab) {
  for (const auto& [name, network] : networks_in_double()) {
    if (name != "mlp" && name != "cnn") continue;
    at::manual_seed(18);
    const Tensor images = random_input(network, 40);
    const Tensor labels = logits(network, images).argmax(1);
    RegionDistanceOptions options;
    options.norm = GetParam();
    const Tensor region = region_distances(network, images, labels, options).distance;
    FabOptions fab;
    fab.norm = GetParam();
    const Tensor published = nearest_adversarial(network, images, labels, fab).distance;
    EXPECT_LE((region / published).median().item<double>(), 1.01) << name;
    EXPECT_LE((region / published).max().item<double>(), 1.2) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, Region, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

}  // namespace
}  // namespace reluctance
