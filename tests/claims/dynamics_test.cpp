// Claim 1 end to end on random networks: consistent numbers, honest verdicts.
#include "reluctance/claims/dynamics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "claims/named_arrays.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct Subject {
  Network network;
  Samples samples;
};

Subject subject(int index) {
  at::manual_seed(5 + index);
  Network network = networks_in_double().at(static_cast<std::size_t>(index)).network;
  const Tensor images = random_input(network, 40);
  const Tensor labels = logits(network, images).argmax(1);
  return {std::move(network), {images, labels}};
}

DynamicsOptions quick() {
  DynamicsOptions options;
  options.steps = 20;
  options.strengths = 5;
  return options;
}

class DynamicsClaim : public testing::TestWithParam<int> {};

TEST_P(DynamicsClaim, SweepIsOrderedFiniteAndMatchesOneStrength) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  ASSERT_TRUE(result.fools_half);
  ASSERT_EQ(result.sweep.size(), 5U);
  EXPECT_DOUBLE_EQ(result.sweep.back().beta, result.fooled_half_beta);
  EXPECT_GE(result.sweep.back().fooled, 0.5);
  for (std::size_t k = 0; k < result.sweep.size(); ++k) {
    const DynamicsStrength& at = result.sweep[k];
    EXPECT_GT(at.beta, k > 0 ? result.sweep[k - 1].beta : 0.0);
    const DynamicsComparison one = compare_dynamics(network, samples, at.beta, {20});
    const Tensor error = (one.delta_region - one.delta_real).norm(2, 1) / one.delta_real.norm(2, 1);
    ASSERT_TRUE(at.region.error);
    EXPECT_NEAR(at.region.error->median, quantiles(error)->median, 1e-9);
    EXPECT_NEAR(at.gates_flipped_share, one.gates_flipped.mean().item<double>(), 1e-12);
    EXPECT_NEAR(at.fooled, one.fooled.to(at::kDouble).mean().item<double>(), 1e-12);
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
  const auto [network, samples] = subject(GetParam());
  const Outcome outcome = test_dynamics(network, samples, quick()).outcome;
  EXPECT_EQ(outcome.checks.size(), 5U);
  EXPECT_EQ(outcome.verdict, verdict_of(outcome.checks));
  EXPECT_FALSE(outcome.summary.empty());
}

TEST_P(DynamicsClaim, ItsArraysAreWhatItsSummariesSummarise) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  EXPECT_EQ(names_of(result.arrays),
            (std::vector<std::string>{"beta", "gates_flipped", "norm", "fooled", "error_quadratic",
                                      "error_region", "error_segments"}));
  for (const auto& [name, array] : result.arrays) {
    EXPECT_EQ(array.sizes(), name == "beta" ? at::IntArrayRef({5}) : at::IntArrayRef({5, 40}))
        << name;
    EXPECT_EQ(array.scalar_type(), name == "fooled" ? at::kBool : at::kDouble) << name;
  }
  const auto row = [&](const char* name, std::size_t k) {
    return array_named(result.arrays, name)[static_cast<int64_t>(k)];
  };
  for (std::size_t k = 0; k < result.sweep.size(); ++k) {
    const DynamicsStrength& at = result.sweep[k];
    EXPECT_EQ(row("beta", k).item<double>(), at.beta);
    expect_summary(at.gates_flipped, row("gates_flipped", k), "gates_flipped");
    expect_summary(at.norm, row("norm", k), "norm");
    expect_summary(at.quadratic.error, row("error_quadratic", k), "error_quadratic");
    expect_summary(at.region.error, row("error_region", k), "error_region");
    expect_summary(at.segments.error, row("error_segments", k), "error_segments");
    // All are answered right at first.
    EXPECT_NEAR(at.fooled, row("fooled", k).to(at::kDouble).mean().item<double>(), 1e-12);
    const double outside = row("error_quadratic", k).isnan().to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(at.outside_range, outside, 1e-12);
  }
}

TEST_P(DynamicsClaim, AComparisonAtOneStrengthHasTheSameNumbers) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  const DynamicsComparison one = compare_dynamics(network, samples, result.sweep[2].beta, {20});
  const NamedTensors arrays = one.arrays();
  EXPECT_EQ(names_of(arrays),
            (std::vector<std::string>{"logits", "eigenvalues", "delta_real", "delta_quadratic",
                                      "quadratic_in_range", "delta_region", "gates_flipped"}));
  const int64_t pixels = network.inputs();
  const int64_t classes = network.classes();
  EXPECT_EQ(array_named(arrays, "logits").sizes(), at::IntArrayRef({40, classes}));
  EXPECT_EQ(array_named(arrays, "eigenvalues").sizes(), at::IntArrayRef({40, classes - 1}));
  for (const char* delta : {"delta_real", "delta_quadratic", "delta_region"}) {
    EXPECT_EQ(array_named(arrays, delta).sizes(), at::IntArrayRef({40, pixels})) << delta;
  }
  for (const char* each : {"quadratic_in_range", "gates_flipped"}) {
    EXPECT_EQ(array_named(arrays, each).sizes(), at::IntArrayRef({40})) << each;
  }
  const auto swept = [&](const char* name) { return array_named(result.arrays, name)[2]; };
  EXPECT_TRUE(at::allclose(one.error_region(), swept("error_region"), 1e-9, 1e-12));
  EXPECT_TRUE(at::allclose(one.error_quadratic(), swept("error_quadratic"), 1e-9, 1e-12,
                           /*equal_nan=*/true));
  EXPECT_TRUE(at::allclose(one.delta_real.norm(2, 1), swept("norm"), 1e-9));
  EXPECT_TRUE(at::equal(one.gates_flipped, swept("gates_flipped")));
  EXPECT_TRUE(at::equal(one.fooled, swept("fooled")));
}

INSTANTIATE_TEST_SUITE_P(Networks, DynamicsClaim, testing::Values(1, 2, 3), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(DynamicsClaim, AFlatNetworkCannotBeTested) {
  Network constant({3});
  constant.append(linear_layer(),
                  {at::zeros({2, 3}, at::kDouble), at::tensor({1.0, 0.0}, at::kDouble)});
  const DynamicsResult result =
      test_dynamics(constant, {at::rand({8, 3}), at::zeros({8}, at::kLong)}, quick());
  EXPECT_EQ(result.outcome.verdict, Verdict::cannot_be_tested);
}

}  // namespace
}  // namespace reluctance
