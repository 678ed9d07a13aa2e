// Claim 1 end to end on random networks: consistent numbers, honest verdicts.
#include <gtest/gtest.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct Subject {
  Network network;
  Tensor images, labels;
};

Subject subject(int index) {
  at::manual_seed(5 + index);
  Network network = networks_in_double().at(static_cast<std::size_t>(index)).network;
  Tensor images = random_input(network, 40);
  Tensor labels = logits(network, images).argmax(1);
  return {std::move(network), std::move(images), std::move(labels)};
}

DynamicsOptions quick() {
  DynamicsOptions options;
  options.steps = 20;
  options.strengths = 5;
  return options;
}

class DynamicsClaim : public testing::TestWithParam<int> {};

TEST_P(DynamicsClaim, SweepIsOrderedFiniteAndMatchesOneStrength) {
  const auto [network, images, labels] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, images, labels, quick());
  ASSERT_TRUE(result.fools_half);
  ASSERT_EQ(result.sweep.size(), 5U);
  EXPECT_DOUBLE_EQ(result.sweep.back().beta, result.fooled_half_beta);
  EXPECT_GE(result.sweep.back().fooled, 0.5);
  for (std::size_t k = 0; k < result.sweep.size(); ++k) {
    const DynamicsStrength& at = result.sweep[k];
    EXPECT_GT(at.beta, k > 0 ? result.sweep[k - 1].beta : 0.0);
    const DynamicsSamples samples = compare_dynamics(network, images, labels, at.beta, 20);
    const Tensor error =
        (samples.delta_region - samples.delta_real).norm(2, 1) / samples.delta_real.norm(2, 1);
    ASSERT_TRUE(at.region.error);
    EXPECT_NEAR(at.region.error->median, quantiles(error)->median, 1e-9);
    EXPECT_NEAR(at.gates_flipped_share, samples.gates_flipped.mean().item<double>(), 1e-12);
    EXPECT_NEAR(at.fooled, samples.fooled.to(at::kDouble).mean().item<double>(), 1e-12);
    for (const auto* shares : {&at.top_share_real, &at.top_share_region}) {
      ASSERT_EQ(shares->size(), 3U);
      EXPECT_LE((*shares)[0]->median, (*shares)[2]->median);
      EXPECT_LE((*shares)[2]->q95, 1 + 1e-9);
    }
  }
  EXPECT_EQ(result.segment_errors.front().segments, 1);
  EXPECT_NEAR(result.segment_errors.front().tangent->median,
              result.sweep.back().region.error->median, 1e-9);
}

TEST_P(DynamicsClaim, TheVerdictFollowsItsChecks) {
  const auto [network, images, labels] = subject(GetParam());
  const Finding finding = test_dynamics(network, images, labels, quick()).finding;
  EXPECT_EQ(finding.checks.size(), 5U);
  EXPECT_EQ(finding.verdict, verdict_of(finding.checks));
  EXPECT_FALSE(finding.summary.empty());
}

INSTANTIATE_TEST_SUITE_P(Networks, DynamicsClaim, testing::Values(1, 2, 3), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(DynamicsClaim, AFlatNetworkCannotBeTested) {
  Network constant({3});
  constant.append(linear_layer(),
                  {at::zeros({2, 3}, at::kDouble), at::tensor({1.0, 0.0}, at::kDouble)});
  const DynamicsResult result =
      test_dynamics(constant, at::rand({8, 3}), at::zeros({8}, at::kLong), quick());
  EXPECT_EQ(result.finding.verdict, Verdict::cannot_be_tested);
}

TEST(Verdict, CountsChecks) {
  const Check yes{"a", 1, Check::Relation::at_most, 1};
  const Check no{"b", 1, Check::Relation::at_least, 2};
  const Check undefined{"c", std::nan(""), Check::Relation::at_most, 1};
  EXPECT_TRUE(yes.passed());
  EXPECT_FALSE(no.passed());
  EXPECT_FALSE(undefined.passed());
  EXPECT_EQ(verdict_of({yes, yes}), Verdict::holds);
  EXPECT_EQ(verdict_of({yes, no}), Verdict::partly);
  EXPECT_EQ(verdict_of({no, no, yes}), Verdict::does_not_hold);
  EXPECT_EQ(verdict_of({}), Verdict::cannot_be_tested);
}

}  // namespace
}  // namespace reluctance
