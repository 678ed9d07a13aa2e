// Claim 2 as a whole on small trained networks.
#include "reluctance/claims/influence.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "claims/named_arrays.hpp"
#include "claims/trained_network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

TEST(InfluenceClaim, TellsTheWholeStoryAndIsTheSameTwice) {
  const TrainedSetting setting;
  InfluenceOptions options;
  options.strengths = 4;
  const InfluenceResult result = test_influence(setting.network, setting.samples, options);
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
  EXPECT_EQ(result.outcome.checks.size(), 4u);
  const InfluenceResult again = test_influence(setting.network, setting.samples, options);
  EXPECT_EQ(again.outcome.summary, result.outcome.summary);
}

TEST(InfluenceClaim, ItsArraysAreWhatItsSummariesSummarise) {
  const TrainedSetting setting;
  InfluenceOptions options;
  options.strengths = 4;
  const InfluenceResult result = test_influence(setting.network, setting.samples, options);
  EXPECT_EQ(names_of(result.arrays),
            (std::vector<std::string>{"attack", "gradient_norm_clean", "gradient_norm_adversarial",
                                      "boost_measured", "boost_quadratic", "boost_region", "kappa",
                                      "confidence", "effective_beta", "gates_flipped"}));
  for (const auto& [name, array] : result.arrays) {
    EXPECT_EQ(array.sizes(),
              name == "attack" ? at::IntArrayRef({10, 2}) : at::IntArrayRef({10, 120}))
        << name;
    EXPECT_EQ(array.scalar_type(), at::kDouble) << name;
  }
  const auto row = [&](const char* name, std::size_t k) {
    return array_named(result.arrays, name)[static_cast<int64_t>(k)];
  };
  ASSERT_EQ(result.strengths.size(), 10U);
  for (std::size_t k = 0; k < result.strengths.size(); ++k) {
    const InfluenceStrength& at = result.strengths[k];
    // Four raw ones, then three radii in L2 and three in L-infinity.
    EXPECT_EQ(row("attack", k)[0].item<double>(), k < 4 ? 0 : k < 7 ? 1 : 2);
    EXPECT_EQ(row("attack", k)[1].item<double>(), strength_of(at.attack));
    expect_summary(at.boost_measured, row("boost_measured", k), "boost_measured");
    expect_summary(at.boost_quadratic, row("boost_quadratic", k), "boost_quadratic");
    expect_summary(at.boost_region, row("boost_region", k), "boost_region");
    expect_summary(at.effective_beta, row("effective_beta", k), "effective_beta");
    EXPECT_NEAR(at.gates_flipped_share, row("gates_flipped", k).mean().item<double>(), 1e-12);
    EXPECT_EQ(at.rank_region, rank_correlation(row("boost_region", k), row("boost_measured", k)));
    EXPECT_EQ(at.clean.effective_share,
              concentration(row("gradient_norm_clean", k)).effective_share);
    EXPECT_EQ(at.adversarial.effective_share,
              concentration(row("gradient_norm_adversarial", k)).effective_share);
  }
  EXPECT_EQ(row("attack", 5)[1].item<double>(), options.l2[1]);
  EXPECT_EQ(row("attack", 9)[1].item<double>(), options.linf[2]);
  EXPECT_TRUE(at::equal(result.boost, row("boost_measured", 3)));
  // What is of the image alone is the same under every attack.
  EXPECT_TRUE(at::equal(row("kappa", 0), row("kappa", 9)));
  EXPECT_TRUE(at::equal(row("confidence", 0), row("confidence", 9)));
}

// The sweep's arrays are those of comparisons one by one.
TEST(InfluenceClaim, AComparisonHasTheArraysOfItsMeasurement) {
  const TrainedSetting setting;
  const InfluenceComparison one =
      compare_influence(setting.network, setting.samples, raw_attack(0.5, 20));
  const NamedTensors arrays = one.arrays();
  EXPECT_EQ(arrays.size(), 9U);
  for (const auto& [name, array] : arrays) EXPECT_EQ(array.sizes(), at::IntArrayRef({120})) << name;
  EXPECT_TRUE(at::equal(array_named(arrays, "boost_measured"), one.measured.boost));
  EXPECT_TRUE(at::equal(array_named(arrays, "boost_region"), one.boost_region));
  EXPECT_TRUE(at::equal(array_named(arrays, "effective_beta"), one.measured.effective_strength));
  EXPECT_LT((array_named(arrays, "effective_beta") - 0.5).abs().max().item<double>(), 1e-12);
}

TEST(InfluenceClaim, RefusesAttacksThatTheTheoryCannotFollow) {
  const TrainedSetting setting;
  PgdOptions l1;
  l1.ball = {Norm::l1, 1.0};
  l1.random_start = false;
  EXPECT_THROW(compare_influence(setting.network, setting.samples, pgd_attack(l1)), Error);
  for (const Loss& loss : {squared_error_loss(), margin_loss(), cross_entropy_loss(0.1)}) {
    GradientAscent attack = raw_attack(0.5, 20);
    attack.loss = loss;
    EXPECT_THROW(compare_influence(setting.network, setting.samples, attack), Error) << loss.name;
  }
}

TEST(InfluenceClaim, CannotBeTestedWhereNothingIsFooled) {
  Network still({3});
  still.append(linear_layer(), {at::zeros({2, 3}), at::tensor({1.0f, 0.0f})});
  const InfluenceResult result =
      test_influence(still, {at::rand({5, 3}), at::zeros({5}, at::kLong)}, {});
  EXPECT_EQ(result.outcome.verdict, Verdict::cannot_be_tested);
}

}  // namespace
}  // namespace reluctance
