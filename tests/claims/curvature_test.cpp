// Claim 3 as a whole on a small network.
#include "reluctance/claims/curvature.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "claims/named_arrays.hpp"
#include "claims/trained_network.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

TEST(CurvatureClaim, PredictsRatesAndNamesCarriers) {
  const TrainedSetting setting;
  CurvatureOptions options;
  options.radii = {0.1};
  options.linf_radii = {0.05};
  options.settled = {0, 5};
  const CurvatureResult result = test_curvature(setting.network, setting.samples, options);
  ASSERT_EQ(result.conditions.size(), 3u);
  const CurvatureCondition& vanilla = result.conditions[0];
  const CurvatureCondition& linf = result.conditions[1];
  const CurvatureCondition& adversarial = result.conditions[2];
  EXPECT_FALSE(vanilla.effective.has_value());
  EXPECT_FALSE(linf.effective.has_value());
  ASSERT_TRUE(adversarial.effective.has_value());
  EXPECT_GE(adversarial.effective->values[0].item<double>(),
            adversarial.hessian.values[0].item<double>() * (1 - 1e-4));
  for (const Carriers& carriers : adversarial.carriers) {
    EXPECT_NEAR(carriers.shares.sum().item<double>(), 1, 1e-2);
    EXPECT_GE(carriers.half, 1);
  }
  ASSERT_EQ(result.rates.size(), 8u);  // twice: vanilla with two momenta, two attacks with one
  for (const CriticalRate& rate : result.rates) {
    ASSERT_TRUE(rate.measured.has_value()) << name_of(rate.ball);
    const double tolerance = !rate.ball ? 0.1 : 0.15;
    EXPECT_NEAR(*rate.measured / rate.predicted, 1, tolerance)
        << name_of(rate.ball) << ", momentum " << rate.momentum << ", settled " << rate.settled;
    EXPECT_EQ(rate.width > 0, rate.ball && rate.ball->norm == Norm::linf);
    if (rate.width > 0) continue;
    EXPECT_NEAR(2 * (1 + rate.momentum) / rate.predicted / rate.tried.largest, 1, 0.01)
        << name_of(rate.ball) << ", settled " << rate.settled;
  }
  EXPECT_NEAR(result.density.weights.sum().item<double>(), 1, 1e-9);
  EXPECT_EQ(result.outcome.checks.size(), 6u);
}

// An affine network's curvature under squared error is that of the inputs: mean [x; 1] [x; 1]^T.
TEST(CurvatureClaim, IsOfTheLossThatTrainingDescends) {
  const TrainedSetting setting;
  ArchitectureOptions architecture;
  architecture.name = "linear";
  architecture.input_shape = {20};
  architecture.classes = 6;
  architecture.seed = 3;
  CurvatureOptions options;
  options.loss = squared_error_loss();
  options.radii = {0.1};
  options.linf_radii = {};
  const CurvatureResult result =
      test_curvature(make_network(architecture), setting.samples, options);
  const Tensor x = setting.samples.images.to(at::kDouble);
  const Tensor extended = at::cat({x, at::ones({x.size(0), 1}, x.options())}, 1);
  const Tensor moment = extended.t().matmul(extended) / x.size(0);
  const double largest = std::get<0>(at::linalg_eigh(moment))[-1].item<double>();
  EXPECT_EQ(result.loss, "squared-error");
  EXPECT_NEAR(result.conditions[0].hessian.largest(), largest, 1e-5 * largest);
  EXPECT_NE(describe(*result.conditions[1].attack).find("squared-error"), std::string::npos);
  for (const CriticalRate& rate : result.rates) {
    if (rate.ball) continue;
    EXPECT_NEAR(*rate.measured * largest / (2 * (1 + rate.momentum)), 1, 0.02);
  }
}

TEST(CurvatureClaim, ItsArraysAreThoseOfItsConditions) {
  const TrainedSetting setting;
  CurvatureOptions options;
  options.radii = {0.1};
  options.linf_radii = {0.05};
  options.top = 3;
  const CurvatureResult result = test_curvature(setting.network, setting.samples, options);
  const NamedTensors arrays = result.arrays();
  EXPECT_EQ(names_of(arrays),
            (std::vector<std::string>{"radius", "linf", "eigenvalues", "sample_share", "smooth"}));
  const Tensor eigenvalues = array_named(arrays, "eigenvalues");
  const Tensor shares = array_named(arrays, "sample_share");
  const Tensor smooth = array_named(arrays, "smooth");
  EXPECT_TRUE(at::equal(array_named(arrays, "radius"), at::tensor({0.0, 0.05, 0.1}, at::kDouble)));
  EXPECT_TRUE(at::equal(array_named(arrays, "linf"), at::tensor({0, 1, 0}).to(at::kBool)));
  ASSERT_EQ(eigenvalues.sizes(), at::IntArrayRef({3, 3}));
  ASSERT_EQ(shares.sizes(), at::IntArrayRef({3, 3, 120}));
  ASSERT_EQ(smooth.sizes(), at::IntArrayRef({3, 120}));
  for (int64_t m = 0; m < 3; ++m) {
    const CurvatureCondition& condition = result.conditions[static_cast<std::size_t>(m)];
    const Eigenpairs& top = condition.effective ? *condition.effective : condition.hessian;
    EXPECT_TRUE(at::equal(eigenvalues[m], top.values));
    EXPECT_TRUE(at::equal(smooth[m], condition.smooth));
    for (int64_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(shares[m][k].sum().item<double>(), 1, 1e-2);
      // Half of the eigenvalue is where the largest shares have come to half.
      const Tensor sums = std::get<0>(shares[m][k].sort(0, /*descending=*/true)).cumsum(0);
      const int64_t half = condition.carriers[static_cast<std::size_t>(k)].half;
      EXPECT_GE(sums[half - 1].item<double>(), 0.5);
      if (half > 1) {
        EXPECT_LT(sums[half - 2].item<double>(), 0.5);
      }
    }
    const CarrierExample& first = condition.examples.front();
    EXPECT_EQ(shares[m][0].max().item<double>(), first.share);
    EXPECT_EQ(shares[m][0].argmax().item<int64_t>(), first.sample);
  }
}

TEST(CurvatureClaim, CannotBeTestedWhereNothingCurves) {
  Network sure({3});
  sure.append(linear_layer(), {at::zeros({2, 3}), at::tensor({1000.0f, -1000.0f})});
  const CurvatureResult result =
      test_curvature(sure, {at::rand({5, 3}), at::zeros({5}, at::kLong)}, {});
  EXPECT_EQ(result.outcome.verdict, Verdict::cannot_be_tested);
  EXPECT_EQ(result.outcome.summary.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace reluctance
