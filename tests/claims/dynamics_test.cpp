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
  labels[0].add_(1).remainder_(network.classes());  // one of them is answered wrong
  return {std::move(network), {images, labels}};
}

DynamicsOptions quick() {
  DynamicsOptions options;
  options.steps = 20;
  options.strengths = 5;
  return options;
}

class DynamicsClaim : public testing::TestWithParam<int> {};

// Those that have a fooling strength: all but the first, whose label is wrong.
Samples fooled_of(const DynamicsResult& result, const Samples& samples) {
  const Tensor strength = array_named(result.arrays, "strength");
  return samples.rows(strength.isfinite().nonzero().squeeze(1));
}

TEST_P(DynamicsClaim, SweepIsOrderedFiniteAndMatchesOneStrength) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  const Tensor strength = array_named(result.arrays, "strength");
  const Tensor own = strength.masked_select(strength.isfinite());
  EXPECT_EQ(result.right, 39);
  EXPECT_EQ(result.fooled, own.size(0));
  EXPECT_FALSE(std::isfinite(strength[0].item<double>()));
  ASSERT_EQ(result.sweep.size(), 5U);
  EXPECT_EQ(result.sweep.back().relative, 1);
  EXPECT_EQ(result.sweep.back().fooled, 1);
  for (std::size_t k = 0; k < result.sweep.size(); ++k) {
    const DynamicsStrength& at = result.sweep[k];
    EXPECT_GT(at.relative, k > 0 ? result.sweep[k - 1].relative : 0.0);
    const DynamicsComparison one =
        compare_dynamics(network, fooled_of(result, samples), at.relative * own, {20});
    const Tensor error = (one.delta_region - one.delta_real).norm(2, 1) / one.delta_real.norm(2, 1);
    ASSERT_TRUE(at.region.error);
    EXPECT_NEAR(at.region.error->median, quantiles(error)->median, 1e-9);
    EXPECT_NEAR(at.gates_flipped_share, one.gates_flipped.mean().item<double>(), 1e-12);
    EXPECT_NEAR(at.fooled, one.fooled.to(at::kDouble).mean().item<double>(), 1e-12);
    EXPECT_NEAR(at.beta->median, at.relative * own.quantile(0.5).item<double>(), 1e-9);
    for (const auto* shares : {&at.top_share_real, &at.top_share_region}) {
      ASSERT_EQ(shares->size(), 3U);
      EXPECT_LE((*shares)[0]->median, (*shares)[2]->median);
      EXPECT_LE((*shares)[2]->q95, 1 + 1e-9);
    }
  }
  double segments = 0;
  for (const SegmentError& each : result.segment_errors) {
    EXPECT_LE(segments, each.segments);
    segments = each.segments;
    if (each.tolerance == result.tolerance) {
      EXPECT_NEAR(each.error->median, result.sweep.back().segments.error->median, 1e-9);
    }
  }
  EXPECT_LE(segments, 20);
}

TEST_P(DynamicsClaim, TellsHowFarPixelsLeaveTheirRange) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  const Tensor strength = array_named(result.arrays, "strength");
  const Samples moved = fooled_of(result, samples);
  const DynamicsComparison one =
      compare_dynamics(network, moved, strength.masked_select(strength.isfinite()), {20});
  const Tensor there = moved.images.flatten(1) + one.delta_real;
  const Tensor outside = (there - there.clamp(0, 1)).norm(2, 1);
  EXPECT_NEAR(result.sweep.back().leaves_box, outside.gt(0).to(at::kDouble).mean().item<double>(),
              1e-12);
  expect_summary(result.sweep.back().outside, outside / one.delta_real.norm(2, 1), "outside");
}

TEST_P(DynamicsClaim, TheVerdictFollowsItsChecks) {
  const auto [network, samples] = subject(GetParam());
  const Outcome outcome = test_dynamics(network, samples, quick()).outcome;
  EXPECT_EQ(outcome.checks.size(), 6U);
  for (const Check& check : outcome.checks) EXPECT_TRUE(check.interval) << check.what;
  EXPECT_EQ(outcome.verdict, verdict_of(outcome.checks));
  EXPECT_FALSE(outcome.summary.empty());
}

TEST_P(DynamicsClaim, ItsArraysAreWhatItsSummariesSummarise) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  EXPECT_EQ(
      names_of(result.arrays),
      (std::vector<std::string>{"strength", "relative", "gates_flipped", "norm", "error_quadratic",
                                "error_region", "error_segments", "top_share"}));
  EXPECT_EQ(array_named(result.arrays, "strength").sizes(), at::IntArrayRef({40}));
  EXPECT_EQ(array_named(result.arrays, "relative").sizes(), at::IntArrayRef({5}));
  EXPECT_EQ(array_named(result.arrays, "top_share").sizes(), at::IntArrayRef({5, 40, 3}));
  const auto row = [&](const char* name, std::size_t k) {
    return array_named(result.arrays, name)[static_cast<int64_t>(k)];
  };
  for (std::size_t k = 0; k < result.sweep.size(); ++k) {
    const DynamicsStrength& at = result.sweep[k];
    EXPECT_EQ(row("relative", k).item<double>(), at.relative);
    expect_summary(at.top_share_real[2], row("top_share", k).select(1, 2), "top_share");
    expect_summary(at.gates_flipped, row("gates_flipped", k), "gates_flipped");
    expect_summary(at.norm, row("norm", k), "norm");
    expect_summary(at.quadratic.error, row("error_quadratic", k), "error_quadratic");
    expect_summary(at.region.error, row("error_region", k), "error_region");
    expect_summary(at.segments.error, row("error_segments", k), "error_segments");
    const double known = row("error_quadratic", k).isfinite().sum().item<double>();
    EXPECT_NEAR(at.outside_range, 1 - known / static_cast<double>(result.fooled), 1e-12);
  }
}

TEST_P(DynamicsClaim, AComparisonAtOneStrengthHasTheSameNumbers) {
  const auto [network, samples] = subject(GetParam());
  const DynamicsResult result = test_dynamics(network, samples, quick());
  const Tensor beta = array_named(result.arrays, "strength").nan_to_num(1);
  const DynamicsComparison one =
      compare_dynamics(network, samples, beta * result.sweep[2].relative, {20});
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
  const Tensor places = array_named(result.arrays, "strength").isfinite().nonzero().squeeze(1);
  const auto expect_swept = [&](const Tensor& values, const char* name) {
    const Tensor swept = array_named(result.arrays, name)[2];
    EXPECT_TRUE(at::allclose(values.index_select(0, places), swept.index_select(0, places), 1e-9,
                             1e-12, /*equal_nan=*/true))
        << name;
    EXPECT_TRUE(swept[0].isnan().item<bool>()) << name;
  };
  expect_swept(one.error_region(), "error_region");
  expect_swept(one.error_quadratic(), "error_quadratic");
  expect_swept(one.delta_real.norm(2, 1), "norm");
  expect_swept(one.gates_flipped, "gates_flipped");
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
