// Influence of samples and how it is spread.
#include "reluctance/measure/influence.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

TEST(Influence, NormsAndBoostsAreThoseOfTheAttackedSamples) {
  const Network net = networks_in_double()[3].network;  // cnn
  at::manual_seed(2);
  const Tensor x = random_input(net, 5);
  const Tensor labels = at::randint(net.classes(), {5}, at::kLong);
  const Samples samples(x, labels);
  const GradientAscent attack = raw_attack(0.4, 6);
  const InfluenceMeasurement found = measure_influence(net, samples, attack);
  CountedPasses passes(net);
  const Tensor attacked = climb(passes, samples, x, attack);
  EXPECT_TRUE(at::equal(found.delta, attacked - x));
  for (int64_t i = 0; i < 5; ++i) {
    const auto norm_at = [&](const Tensor& images) {
      const Pass pass = forward(net, images.slice(0, i, i + 1), Keep::inputs);
      double square = 0;
      const Tensor s = logit_gradient(pass.logits, labels.slice(0, i, i + 1));
      for (const Tensor& part : weight_gradient(net, pass, s)) {
        square += part.square().sum().item<double>();
      }
      return std::sqrt(square);
    };
    EXPECT_NEAR(found.gradient_norm_clean[i].item<double>(), norm_at(x), 1e-12);
    EXPECT_NEAR(found.gradient_norm_adversarial[i].item<double>(), norm_at(attacked), 1e-12);
  }
  // A raw attack's steps amount to its own beta.
  EXPECT_LT((found.effective_strength - 0.4).abs().max().item<double>(), 1e-12);
}

TEST(Influence, EffectiveStrengthOfNormalisedSteps) {
  const Network net = networks_in_double()[2].network;  // mlp
  at::manual_seed(3);
  const Samples samples(random_input(net, 4), at::randint(net.classes(), {4}, at::kLong));
  CountedPasses passes(net);
  const Tensor g = input_gradient(passes, samples, cross_entropy_loss()).flatten(1);
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    PgdOptions options;
    options.ball = {norm, 0.1};
    options.steps = 1;
    options.step_size = 0.1;
    options.random_start = false;
    const Tensor found = measure_influence(net, samples, pgd_attack(options)).effective_strength;
    const Tensor expected =
        norm == Norm::l2 ? 0.1 / g.norm(2, 1) : 0.1 * g.norm(1, 1) / g.square().sum(1);
    EXPECT_LT(((found - expected) / expected).abs().max().item<double>(), 1e-12);
  }
}

TEST(Concentration, OfEqualWeightsAndOfOneAlone) {
  const Concentration equal = concentration(at::full({200}, 3.0, at::kDouble));
  EXPECT_NEAR(equal.effective_share, 1, 1e-12);
  EXPECT_NEAR(equal.gini, 0, 1e-12);
  EXPECT_NEAR(equal.top1, 0.01, 1e-12);
  EXPECT_NEAR(equal.top5, 0.05, 1e-12);
  Tensor one = at::zeros({200}, at::kDouble);
  one[17] = 2;
  const Concentration alone = concentration(one);
  EXPECT_NEAR(alone.effective_share, 1.0 / 200, 1e-12);
  EXPECT_NEAR(alone.gini, 1 - 1.0 / 200, 1e-12);
  EXPECT_NEAR(alone.top1, 1, 1e-12);
}

}  // namespace
}  // namespace reluctance
