// The loss through one scalar: exact for two classes, where the theory of C classes says the same.
#include "reluctance/theory/scalar_reduction.hpp"

#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "reluctance/theory/displacement.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"
#include "reluctance/theory/training_effect.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

// A perceptron, and images of it that it sees one way and the other.
struct Subject {
  explicit Subject(int64_t classes) : network(small_perceptron(classes)) {
    samples = {at::randn({20, 6}, at::kDouble), at::randint(classes, {20}, at::kLong)};
    region = linear_region(network, samples);
    reduction = scalar_reduction(region);
  }

  Network network;
  Samples samples;
  LinearRegion region;
  ScalarReduction reduction;
};

Tensor moved(const Subject& subject, const Tensor& coefficients) {
  return perturbation(subject.network, subject.region, coefficients);
}

TEST(ScalarReduction, OfTwoClassesIsTheTheoryOfManyClasses) {
  const Subject two(2);
  for (const double strength : {0.01, 0.3, 2.0}) {
    const Tensor beta = at::full({two.samples.count()}, strength, at::kDouble);
    EXPECT_LT(relative_error(moved(two, scalar_attack(two.reduction, beta)),
                             moved(two, region_attack_limit(two.region, strength))),
              1e-8);
  }
}

TEST(ScalarReduction, HasTheDerivativesOfTheLossInTheMargin) {
  const Subject many(5);
  const ScalarReduction& r = many.reduction;
  const Tensor z = r.margin.clone().requires_grad_();
  const Tensor loss = at::softplus(z);
  const Tensor first = torch::autograd::grad({loss.sum()}, {z}, {}, true, true)[0];
  const Tensor second = torch::autograd::grad({first.sum()}, {z})[0];
  EXPECT_LT(relative_error(r.first(), first.detach()), 1e-12);
  EXPECT_LT(relative_error(r.second(), second), 1e-12);
  const Tensor x = many.samples.images.clone().requires_grad_();
  const Tensor margin = (forward(many.network, x, Keep::nothing).logits * r.direction).sum();
  const Tensor gradient = torch::autograd::grad({margin}, {x})[0];
  EXPECT_LT(relative_error(r.square, gradient.square().sum(1)), 1e-12);
  // The strongest other class.
  const Tensor fooled = many.region.logits.argmax(1).ne(many.samples.labels);
  EXPECT_TRUE(at::equal(r.margin > 0, fooled));
}

// Lemma 1: H_z > 0, and H_z > g_z^2 exactly as long as the attack has not succeeded.
TEST(ScalarReduction, CurvatureExceedsTheSquaredGradientUntilTheAttackSucceeds) {
  const Subject two(2);
  const ScalarReduction& r = two.reduction;
  EXPECT_TRUE((r.second() > 0).all().item<bool>());
  EXPECT_TRUE(at::equal(r.second() > r.first().square(), r.margin < 0));
  EXPECT_TRUE((r.margin < 0).any().item<bool>() && (r.margin > 0).any().item<bool>());
}

// Theorems 3 and 4 are about the loss to second order: with such a loss they are exact.
TEST(ScalarReduction, TrainingEffectIsThatOfAQuadraticLoss) {
  const Subject two(2);
  const Tensor z0 = two.region.logits;
  const Tensor s0 = two.region.logit_gradient();
  const Tensor beta = at::full({two.samples.count()}, 0.5, at::kDouble);
  const Tensor delta = moved(two, quadratic_attack_limit(two.region, 0.5).coefficients);
  const Tensor clean = training_effects(two.network, two.samples, at::zeros_like(delta),
                                        two.reduction.direction, cross_entropy_loss())
                           .select(1, 0);
  const Tensor hidden =
      hidden_gradients(two.network, two.samples, two.reduction.direction).square().sum(1);
  const Tensor predicted = scalar_training_effect(two.reduction, clean, hidden, beta);
  for (int64_t i = 0; i < two.samples.count(); ++i) {
    const auto row = [&](const Tensor& all) { return all.slice(0, i, i + 1); };
    Loss quadratic = cross_entropy_loss();
    quadratic.at = [&](const Tensor& z, const Tensor&, const Tensor&) {
      const Tensor change = cross_entropy_loss().hessian_vector(row(z0), z - row(z0));
      return LossAt{{}, row(s0) + change};
    };
    const Tensor effect = training_effects(two.network, two.samples.slice(i, i + 1), row(delta),
                                           row(two.reduction.direction), quadratic);
    EXPECT_NEAR(effect[0][0].item<double>(), predicted[i].item<double>(),
                1e-10 * predicted.abs().max().item<double>());
  }
}

TEST(ScalarReduction, StandsForNoOtherLoss) {
  const Subject two(2);
  const LinearRegion region = linear_region(two.network, two.samples, squared_error_loss());
  EXPECT_NE(error_of([&] { scalar_reduction(region); }), "");
}

}  // namespace
}  // namespace reluctance
