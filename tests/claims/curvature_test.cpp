// Claim 3 as a whole on a small network.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "claims/trained_network.hpp"
#include "reluctance/claims/curvature.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

TEST(CurvatureClaim, PredictsRatesAndNamesCarriers) {
  const TrainedSetting setting;
  CurvatureOptions options;
  options.radii = {0.1};
  options.settled = {0, 5};
  const CurvatureResult result =
      test_curvature(setting.network, setting.images, setting.labels, options);
  ASSERT_EQ(result.conditions.size(), 2u);
  const CurvatureCondition& vanilla = result.conditions[0];
  const CurvatureCondition& adversarial = result.conditions[1];
  EXPECT_FALSE(vanilla.effective.has_value());
  ASSERT_TRUE(adversarial.effective.has_value());
  EXPECT_GE(adversarial.effective->values[0].item<double>(),
            adversarial.hessian.values[0].item<double>() * (1 - 1e-4));
  for (const Carriers& carriers : adversarial.carriers) {
    EXPECT_NEAR(carriers.shares.sum().item<double>(), 1, 1e-2);
    EXPECT_GE(carriers.half, 1);
  }
  ASSERT_EQ(result.rates.size(), 6u);  // twice: vanilla with two momenta, adversarial with one
  for (const CriticalRate& rate : result.rates) {
    ASSERT_TRUE(rate.measured.has_value()) << rate.name;
    const double tolerance = rate.epsilon == 0 ? 0.1 : 0.15;
    EXPECT_NEAR(*rate.measured / rate.predicted, 1, tolerance)
        << rate.name << ", momentum " << rate.momentum << ", settled " << rate.settled;
  }
  EXPECT_NEAR(result.density.weights.sum().item<double>(), 1, 1e-9);
  EXPECT_EQ(result.finding.checks.size(), 5u);
}

TEST(CurvatureClaim, CannotBeTestedWhereNothingCurves) {
  Network sure({3});
  sure.append(linear_layer(), {at::zeros({2, 3}), at::tensor({1000.0f, -1000.0f})});
  const CurvatureResult result =
      test_curvature(sure, at::rand({5, 3}), at::zeros({5}, at::kLong), {});
  EXPECT_EQ(result.finding.verdict, Verdict::cannot_be_tested);
  EXPECT_EQ(result.finding.summary.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace reluctance
