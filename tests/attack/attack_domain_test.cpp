// Attacks on inputs that are no pixels: their box, budgets of features, and fixed features.
#include "reluctance/geometry/domain.hpp"

#include <gtest/gtest.h>

#include "attack/every_attack.hpp"
#include "attack/subjects.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

constexpr int64_t features = 36;
constexpr int64_t table_rows = 50;

bool is_bounded(const EveryAttack& attack) { return attack.name != "raw"; }

Norm norm_of(const EveryAttack& attack) {
  for (const Norm norm : {Norm::l2, Norm::l1}) {
    if (attack.name.ends_with("_" + to_string(norm))) return norm;
  }
  return Norm::linf;
}

class EachAttackInADomain : public testing::TestWithParam<EveryAttack> {
 protected:
  void SetUp() override {
    if (!is_bounded(GetParam())) GTEST_SKIP() << "it knows no ball";
  }
  Norm norm() const { return norm_of(GetParam()); }
};

// A network of pixels, and the same one of inputs that are low + span * pixels.
struct Pair {
  Network pixels, table;
};

Pair same_network(const Tensor& low, const Tensor& span) {
  at::manual_seed(5);
  const Tensor first = at::randn({20, features}, at::kDouble);
  const Tensor offset = at::randn({20}, at::kDouble);
  const Tensor last = at::randn({6, 20}, at::kDouble);
  const auto made = [&](const Tensor& weights, const Tensor& bias) {
    Network network({features});
    network.append(linear_layer(), {weights, bias});
    network.append(relu_layer());
    network.append(linear_layer(), {last, at::zeros({6}, at::kDouble)});
    return network;
  };
  return {made(first, offset), made(first / span, offset - first.mv(low / span))};
}

// Where inputs are stretched and moved, and the domain says so, attacks do what they did. In
// L-infinity every feature in its own way, with budgets that go with it; elsewhere all alike.
TEST_P(EachAttackInADomain, DoesToATableWhatItDoesToPixels) {
  at::manual_seed(6);
  const Tensor x = at::rand({table_rows, features}, at::kDouble);
  const bool own = norm() == Norm::linf;
  const Tensor low =
      own ? at::randn({features}, at::kDouble) : at::full({features}, -1.0, at::kDouble);
  const Tensor span =
      own ? at::rand({features}, at::kDouble) * 50 + 0.01 : at::full({features}, 4.0, at::kDouble);
  const auto [pixels, table] = same_network(low, span);
  const Samples samples(x, logits(pixels, x).argmax(1));
  const Samples rows = samples.with_images(low + span * x);
  const Strength strength{0.04, 0.3, 1.5, 0};
  Strength scaled = strength;
  scaled.domain = Domain(low, low + span, own ? span : at::ones_like(span));
  if (!own) scaled.l2 *= 4, scaled.l1 *= 4;
  const auto run = [&](const Network& network, const Samples& those, const Strength& how) {
    return GetParam().make(how, make_guides(network, those.images)).run(network, those, {3, {}});
  };
  const AttackResult expected = run(pixels, samples, strength);
  const AttackResult found = run(table, rows, scaled);
  EXPECT_GT(expected.success.sum().item<int64_t>(), 0);
  EXPECT_LT(expected.success.sum().item<int64_t>(), table_rows);
  EXPECT_TRUE(at::equal(found.success, expected.success));
  EXPECT_TRUE(at::allclose((found.adversarial - low) / span, expected.adversarial, 1e-7, 1e-7));
}

// A linear network, half of its features fixed, those left with budgets of their own in
// L-infinity: the distance is the margin over the dual norm of what is free.
TEST_P(EachAttackInADomain, LeavesFixedFeaturesAndMovesTheOthers) {
  const LinearSubject linear = linear_subject(table_rows);
  const Tensor fixed = at::arange(features).remainder(2).eq(0);
  const Tensor budgets = norm() == Norm::linf ? at::linspace(0.2, 3, features, at::kDouble)
                                              : at::ones({features}, at::kDouble);
  const Tensor reach = budgets.masked_fill(fixed, 0);
  const Domain domain(at::full({features}, -7.0, at::kDouble),
                      at::full({features}, 9.0, at::kDouble), reach);
  LinearSubject free = linear;
  free.weights = linear.weights * reach;
  // The fixed ones may be anywhere, outside of the box as well.
  const Tensor distance = boundary_distance(free, norm());
  const double radius = 1.5 * distance.median().item<double>();
  Strength strength{radius, radius, radius, 0, domain};
  const Ball ball = strength.ball(norm());
  const Attack attack =
      GetParam().make(strength, make_guides(linear.network, linear.samples.images));
  const AttackResult result = attack.run(linear.network, linear.samples, {1, {}});
  expect_honest(linear.network, linear.samples, ball, result);
  const Tensor delta = (result.adversarial - linear.samples.images).flatten(1);
  EXPECT_TRUE(delta.masked_select(fixed.expand_as(delta)).eq(0).all().item<bool>());
  EXPECT_FALSE(result.success.logical_and(distance.gt(radius)).any().item<bool>());
  EXPECT_GT(result.success.sum().item<int64_t>() * 2, distance.le(radius).sum().item<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Every, EachAttackInADomain, testing::ValuesIn(every_attack()),
                         [](const auto& each) { return each.param.name; });

class Distances : public testing::TestWithParam<Norm> {};

TEST_P(Distances, OfLinearNetworksAreThoseOfTheFreeFeatures) {
  const LinearSubject linear = linear_subject(table_rows);
  const Tensor fixed = at::arange(features).remainder(3).eq(0);
  const Domain domain(at::full({features}, -7.0, at::kDouble),
                      at::full({features}, 9.0, at::kDouble),
                      at::ones({features}, at::kDouble).masked_fill(fixed, 0));
  LinearSubject free = linear;
  free.weights = linear.weights.masked_fill(fixed, 0);
  const Tensor expected = boundary_distance(free, GetParam());
  const auto distances = [&](const NearestResult& nearest) {
    const Tensor delta = (nearest.adversarial - linear.samples.images).flatten(1);
    EXPECT_TRUE(delta.masked_select(fixed.expand_as(delta)).eq(0).all().item<bool>());
    return nearest.distance;
  };
  const Tensor ours = distances(
      nearest_points(linear.network, linear.samples, {.norm = GetParam(), .domain = domain}));
  const Tensor fab =
      distances(fab_distances(linear.network, linear.samples, {.ball = {GetParam(), 1, domain}}));
  EXPECT_TRUE(ours.ge(expected - 1e-9).all().item<bool>());
  EXPECT_TRUE(at::allclose(ours, expected, 0.02, 0)) << (ours / expected).max();
  EXPECT_TRUE(at::allclose(fab, expected, 0.02, 0)) << (fab / expected).max();
}

INSTANTIATE_TEST_SUITE_P(Norms, Distances, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

}  // namespace
}  // namespace reluctance
