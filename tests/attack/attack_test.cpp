// What every attack promises, whatever it does.
#include "reluctance/attack/attack.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "attack/every_attack.hpp"
#include "attack/subjects.hpp"
#include "base/in_processes.hpp"
#include "network/random_networks.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

constexpr int64_t company = 48;

class EachAttack : public testing::TestWithParam<EveryAttack> {};

// With indices that are not their places.
AnsweredSubject indexed(const std::string& name) {
  const auto [network, samples] = answered(name, company, 29);
  return {network, {samples.images, samples.labels, at::arange(company) * 5 + 1000}};
}

void expect_alike(const AttackResult& part, const AttackResult& whole, const Tensor& places,
                  const std::string& how) {
  const auto those = [&](const Tensor& all) { return all.index_select(0, places); };
  EXPECT_TRUE(at::equal(part.success, those(whole.success))) << how;
  EXPECT_TRUE(at::allclose(part.adversarial, those(whole.adversarial), 1e-9, 1e-9)) << how;
  EXPECT_TRUE(at::allclose(part.margin, those(whole.margin), 1e-9, 1e-9)) << how;
  ASSERT_EQ(part.target.defined(), whole.target.defined()) << how;
  if (whole.target.defined()) {
    EXPECT_TRUE(at::equal(part.target, those(whole.target))) << how;
  }
}

// Random numbers belong to samples: neither their company nor their order changes what becomes of
// them.
TEST_P(EachAttack, FindsTheSameForASampleInAnyCompany) {
  for (const char* name : {"mlp", "cnn"}) {
    const auto [network, samples] = indexed(name);
    const Guides guides = make_guides(network, samples.images);
    const Attack attack = GetParam().make({0.015, 0.12, 0.8, 0.1}, guides);
    const auto run = [&, &network = network](const Samples& part) {
      return attack.run(network, part, {3, {}});
    };
    const AttackResult whole = run(samples);
    // Some fall and some do not, so that rounds go on with those that stand.
    EXPECT_GT(whole.success.sum().item<int64_t>(), 0) << name;
    EXPECT_LT(whole.success.sum().item<int64_t>(), company) << name;

    const auto compare = [&, &samples = samples](const Tensor& places, const std::string& how) {
      expect_alike(run(samples.rows(places)), whole, places, name + (", " + how));
    };
    const Tensor all = at::arange(company);
    compare(all, "again");
    compare(all.slice(0, 0, company / 2), "first half");
    compare(all.slice(0, company / 2), "second half");
    compare(all.flip(0), "reversed");
    for (int64_t place : {0, 7, 30, 47}) {
      compare(at::full({1}, place, at::kLong), "alone: " + std::to_string(place));
    }
  }
}

TEST_P(EachAttack, SeedsMatterWhereItIsRandom) {
  const auto [network, samples] = indexed("cnn");
  const Attack attack =
      GetParam().make({0.015, 0.12, 0.8, 0.1}, make_guides(network, samples.images));
  const AttackResult one = attack.run(network, samples, {3, {}});
  const AttackResult other = attack.run(network, samples, {4, {}});
  // Even where another start finds nothing, it meets other margins.
  const bool alike =
      at::equal(one.adversarial, other.adversarial) && at::equal(one.margin, other.margin);
  EXPECT_EQ(alike, !GetParam().random);
}

TEST_P(EachAttack, TellsTheTruthAndLeavesAloneWhatStands) {
  const auto [network, samples] = indexed("cnn");
  const Attack attack =
      GetParam().make({0.015, 0.12, 0.8, 0.1}, make_guides(network, samples.images));
  const AttackResult result = attack.run(network, samples, {3, {}});
  const Tensor answers = logits(network, result.adversarial).argmax(1);
  EXPECT_TRUE(at::equal(result.success, answers.ne(samples.labels)));
  if (attack.ball) {
    EXPECT_TRUE(inside(*attack.ball, samples.images, result.adversarial).all().item<bool>());
  }
  const Tensor standing = result.success.logical_not().nonzero().squeeze(1);
  EXPECT_TRUE(at::equal(result.adversarial.index_select(0, standing),
                        samples.images.index_select(0, standing)));
}

// Towards a class, here the next most probable, nothing but that answer is success.
TEST_P(EachAttack, TowardsAClassOnlyThatAnswerCounts) {
  const auto [network, all] = indexed("cnn");
  const Tensor target = other_logits(logits(network, all.images), all.labels).argmax(1);
  const Samples others(all.images, all.labels, all.index, target);
  const Attack attack =
      GetParam().make({0.03, 0.24, 1.6, 0.2}, make_guides(network, others.images));
  const AttackResult result = attack.run(network, others, {3, {}});
  EXPECT_GT(result.success.sum().item<int64_t>(), 0);
  EXPECT_LT(result.success.sum().item<int64_t>(), company);
  const Tensor answers = logits(network, result.adversarial).argmax(1);
  EXPECT_TRUE(at::equal(result.success, answers.eq(target)));
  EXPECT_FALSE(result.margin.lt(0).logical_and(result.success.logical_not()).any().item<bool>());
  if (attack.ball) {
    EXPECT_TRUE(inside(*attack.ball, others.images, result.adversarial).all().item<bool>());
  }
  if (result.target.defined()) {
    EXPECT_TRUE(at::equal(result.target, target.masked_fill(result.success.logical_not(), -1)));
  }
  const Tensor half = at::arange(company / 2);
  expect_alike(attack.run(network, others.rows(half), {3, {}}), result, half, "first half");
}

TEST_P(EachAttack, AnImageAnsweredAsTheTargetFallsToItself) {
  const auto [network, samples] = indexed("cnn");
  const Samples there(samples.images, (samples.labels + 1).remainder(network.classes()),
                      samples.index, samples.labels);
  const Attack attack =
      GetParam().make({0.015, 0.12, 0.8, 0.1}, make_guides(network, samples.images));
  const AttackResult result = attack.run(network, there, {});
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_TRUE(at::equal(result.adversarial, samples.images));
}

std::string differing(const AttackResult& got, const AttackResult& expected) {
  if (!at::equal(got.success, expected.success)) return "others fell";
  if (!at::equal(got.adversarial, expected.adversarial)) return "at other points";
  if (!at::equal(got.margin, expected.margin)) return "at other margins";
  if (got.target.defined() && !at::equal(got.target, expected.target)) return "to other classes";
  if (got.passes.forward != expected.passes.forward) return "after other passes";
  return got.passes.backward != expected.passes.backward ? "after other backward passes" : "";
}

// Enough for a piece for each of four processes, while half of them stand.
AnsweredSubject for_several_processes() {
  const auto [precise, images] = answered("cnn", 300, 29);
  const Network network = precise.to(at::kFloat);
  return {network, as_inputs(network, images)};
}

// To the last bit, which other company would change.
TEST_P(EachAttack, FindsTheSameInSeveralProcesses) {
  in_processes(3, []() -> std::string {
    const auto [network, samples] = for_several_processes();
    const Attack attack =
        GetParam().make({0.015, 0.12, 0.8, 0.1}, make_guides(network, samples.images));
    const AttackResult together = attack.run(network, samples, {3, {}});
    const OwnShare own;
    return differing(together, attack.run(network, samples, {3, {}}));
  });
}

TEST_P(EachAttack, NoSamplesAreNoTrouble) {
  const auto [network, samples] = indexed("cnn");
  const Attack attack =
      GetParam().make({0.015, 0.12, 0.8, 0.1}, make_guides(network, samples.images));
  const AttackResult result = attack.run(network, samples.head(0), {});
  EXPECT_EQ(result.success.numel(), 0);
  EXPECT_EQ(result.adversarial.size(0), 0);
}

// A classifier of grey images whose answer changes from class 1 to class 0 where the weighted mean
// of the pixels passes 0.6, but whose logits overflow from `broken` on: to infinities of the given
// signs for class 0 and for the others, or to no numbers where the signs are 0.
Network overflowing(double broken, double first, double others) {
  Network network({1, 6, 6});
  network.append(reshape_layer({36}));
  // One pixel weighs as much as all others, for attacks that change few.
  Tensor weights = at::full({3, 36}, 0.5 / 35, at::kDouble);
  weights.select(1, 0).fill_(0.5);
  const Tensor scale = at::tensor({1.0, 1e200, 1e200}, at::kDouble);
  weights.mul_(scale.unsqueeze(1));
  network.append(linear_layer(),
                 {weights, at::tensor({1.0, -broken * 1e200, -broken * 1e200}, at::kDouble)});
  network.append(relu_layer());
  network.append(linear_layer(), {at::diag(scale), at::zeros({3}, at::kDouble)});
  network.append(relu_layer());
  // The first unit is the mean and 1; the others are 0 or infinite.
  Tensor last = at::zeros({4, 3}, at::kDouble);
  last[0][0] = 10;
  for (int64_t k = 0; k < 4; ++k) {
    const double sign = k == 0 ? first : others;
    last[k][1] = sign == 0 ? 1 : sign;
    last[k][2] = sign == 0 ? -1 : sign;
  }
  network.append(linear_layer(), {last, at::tensor({-15.0, 1.0, -5.0, -6.0}, at::kDouble)});
  return network;
}

Samples grey() {
  at::manual_seed(31);
  return {0.5 + 0.01 * at::randn({20, 1, 6, 6}, at::kDouble), at::ones({20}, at::kLong)};
}

struct Overflow {
  const char* name;
  double first, others;
};
const std::vector<Overflow> overflows{
    {"no numbers", 0, 0}, {"all infinite", 1, 1}, {"opposite infinities", 1, -1}};

TEST_P(EachAttack, LogitsThatAreNoNumbersAreNoSuccess) {
  const Samples samples = grey();
  const Strength far{0.3, 1.8, 10.8, 2};
  const auto run = [&](const Network& network) {
    const Attack attack = GetParam().make(far, make_guides(network, samples.images));
    return attack.run(network, samples, {3, {}});
  };
  // The attack crosses the boundary where nothing is broken.
  EXPECT_TRUE(run(overflowing(1e6, 0, 0)).success.any().item<bool>());
  for (const auto& [name, first, others] : overflows) {
    const AttackResult result = run(overflowing(0.55, first, others));
    EXPECT_FALSE(result.success.any().item<bool>()) << name;
    EXPECT_TRUE(at::equal(result.adversarial, samples.images)) << name;
  }
}

using Search = NearestResult (*)(const Network& network, const Samples& samples, Norm norm);

class NearestSearch : public testing::TestWithParam<Search> {};

TEST_P(NearestSearch, LogitsThatAreNoNumbersAreNotFound) {
  const Samples samples = grey();
  for (const Norm norm : all_norms()) {
    const Tensor reached = GetParam()(overflowing(1e6, 0, 0), samples, norm).distance;
    EXPECT_TRUE(reached.isfinite().all().item<bool>()) << to_string(norm);
    for (const auto& [name, first, others] : overflows) {
      const NearestResult nearest = GetParam()(overflowing(0.55, first, others), samples, norm);
      EXPECT_TRUE(nearest.distance.isinf().all().item<bool>()) << name << ", " << to_string(norm);
      EXPECT_TRUE(at::equal(nearest.adversarial, samples.images)) << name;
    }
  }
}

TEST_P(NearestSearch, FindsTheSameInSeveralProcesses) {
  in_processes(3, []() -> std::string {
    const auto [network, samples] = for_several_processes();
    const NearestResult together = GetParam()(network, samples, Norm::l2);
    const OwnShare own;
    const NearestResult alone = GetParam()(network, samples, Norm::l2);
    if (!at::equal(together.distance, alone.distance)) return "other distances";
    return at::equal(together.adversarial, alone.adversarial) ? "" : "other points";
  });
}

const Search by_fab = [](const Network& network, const Samples& samples, Norm norm) {
  return fab_distances(network, samples, {.ball = {norm, 1}, .iterations = 30});
};
const Search by_nearest_class = [](const Network& network, const Samples& samples, Norm norm) {
  return nearest_points(network, samples, {.norm = norm});
};

INSTANTIATE_TEST_SUITE_P(Both, NearestSearch, testing::Values(by_fab, by_nearest_class),
                         [](const auto& each) { return each.index == 0 ? "Fab" : "NearestClass"; });

INSTANTIATE_TEST_SUITE_P(Every, EachAttack, testing::ValuesIn(every_attack()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace reluctance
