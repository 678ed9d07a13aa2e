// Claim 2 as a whole on small trained networks.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "claims/trained_network.hpp"
#include "reluctance/claims/influence.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

TEST(InfluenceClaim, TellsTheWholeStoryAndIsTheSameTwice) {
  const TrainedSetting setting;
  InfluenceOptions options;
  options.strengths = 4;
  const InfluenceResult result =
      test_influence(setting.network, setting.images, setting.labels, options);
  ASSERT_TRUE(result.fools_half);
  ASSERT_EQ(result.strengths.size(), 4u + options.l2.size() + options.linf.size());
  const InfluenceStrength& weakest = result.strengths[0];
  EXPECT_NEAR(weakest.boost_measured->median, 1.05, 0.03);
  EXPECT_GT(weakest.rank_region, 0.9);
  EXPECT_GE(result.strengths[3].fooled, 0.45);
  EXPECT_EQ(result.clouds.size(), 2u);
  EXPECT_EQ(result.clouds[0].points.size(), 120u);
  ASSERT_EQ(result.examples.size(), 10u);
  EXPECT_EQ(result.examples[0].rank_adversarial, 1);
  EXPECT_GE(result.examples[0].point.adversarial_norm, result.examples[9].point.adversarial_norm);
  EXPECT_EQ(result.finding.checks.size(), 4u);
  const InfluenceResult again =
      test_influence(setting.network, setting.images, setting.labels, options);
  EXPECT_EQ(again.finding.summary, result.finding.summary);
}

TEST(InfluenceClaim, CannotBeTestedWhereNothingIsFooled) {
  Network still({3});
  still.append(linear_layer(), {at::zeros({2, 3}), at::tensor({1.0f, 0.0f})});
  const InfluenceResult result =
      test_influence(still, at::rand({5, 3}), at::zeros({5}, at::kLong), {});
  EXPECT_EQ(result.finding.verdict, Verdict::cannot_be_tested);
}

}  // namespace
}  // namespace reluctance
