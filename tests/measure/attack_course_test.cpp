// The numbers along an attack, against autograd and the attack itself.
#include "reluctance/measure/attack_course.hpp"

#include <gtest/gtest.h>

#include <torch/csrc/autograd/autograd.h>
#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

struct Subject {
  explicit Subject(int64_t classes) : network(small_perceptron(classes)) {
    samples = {at::randn({12, 6}, at::kDouble), at::randint(classes, {12}, at::kLong)};
  }
  Network network;
  Samples samples;
};

TEST(AttackCourse, EndsWhereTheAttackDoes) {
  const Subject subject(4);
  const AttackCourse course =
      measure_course(subject.network, subject.samples, at::full({12}, 0.05, at::kDouble), 10);
  const Tensor there = attacked_images(subject.network, subject.samples, raw_attack(0.5, 10));
  EXPECT_TRUE(at::allclose(subject.samples.images + course.delta, there, 1e-12, 1e-12));
  ASSERT_EQ(course.gradient_norm.sizes(), at::IntArrayRef({12, 11}));
  CountedPasses passes(subject.network);
  const Tensor gradient =
      input_gradient(passes, subject.samples.with_images(there), cross_entropy_loss());
  EXPECT_TRUE(at::allclose(gradient.norm(2, 1), course.gradient_norm.select(1, 10)));
}

TEST(AttackCourse, StrengthsBelongToTheirSamples) {
  const Subject subject(4);
  const Tensor alpha = at::linspace(0.01, 0.2, 12, at::kDouble);
  const AttackCourse all = measure_course(subject.network, subject.samples, alpha, 5);
  const AttackCourse one =
      measure_course(subject.network, subject.samples.slice(3, 4), alpha.slice(0, 3, 4), 5);
  EXPECT_TRUE(at::allclose(all.delta.slice(0, 3, 4), one.delta));
  EXPECT_TRUE(at::allclose(all.exponent(alpha)[3], one.exponent(alpha.slice(0, 3, 4))[0]));
}

TEST(AttackCourse, DerivativesInTheMarginAreAutograds) {
  const Subject subject(4);
  const AttackCourse course =
      measure_course(subject.network, subject.samples, at::zeros({12}, at::kDouble), 1);
  for (int64_t i = 0; i < 12; ++i) {
    const Tensor x = subject.samples.images.slice(0, i, i + 1).clone().requires_grad_();
    const Tensor z = forward(subject.network, x, Keep::nothing).logits[0];
    const auto label = subject.samples.labels[i].item<int64_t>();
    const auto order = std::get<1>(z.detach().sort(0, true));
    const auto rival = order[order[0].item<int64_t>() == label ? 1 : 0].item<int64_t>();
    const Tensor margin_gradient = grad({z[rival] - z[label]}, {x}, {}, true)[0];
    EXPECT_NEAR(course.square[i][0].item<double>(), margin_gradient.square().sum().item<double>(),
                1e-12);
    const Tensor t = at::zeros({}, at::kDouble).requires_grad_();
    Tensor direction = at::zeros({4}, at::kDouble);
    direction[rival] = 0.5;
    direction[label] = -0.5;
    const Tensor moved = z.detach() + t * direction;
    const Tensor loss = -at::log_softmax(moved, 0)[label];
    const Tensor first = grad({loss}, {t}, {}, true, true)[0];
    EXPECT_NEAR(course.first[i][0].item<double>(), first.item<double>(), 1e-12);
    EXPECT_NEAR(course.second[i][0].item<double>(), grad({first}, {t})[0].item<double>(), 1e-12);
    EXPECT_EQ(course.answered_wrong[i][0].item<bool>(), order[0].item<int64_t>() != label);
  }
}

// Where 1 - p is rounding: p is exp(-margin), and so are its derivatives.
TEST(AttackCourse, OfConfidentImagesKeepsItsDigits) {
  Network network(Shape{2});
  network.append(linear_layer(), {60 * at::eye(2, at::kDouble), at::zeros({2}, at::kDouble)});
  const Samples samples(at::tensor({1.0, 0.0}, at::kDouble).view({1, 2}),
                        at::zeros({1}, at::kLong));
  const AttackCourse course = measure_course(network, samples, at::zeros({1}, at::kDouble), 1);
  const double p = std::exp(-60.0);
  EXPECT_NEAR(course.first[0][0].item<double>(), p, 1e-10 * p);
  EXPECT_NEAR(course.second[0][0].item<double>(), p, 1e-10 * p);
  EXPECT_NEAR(course.gradient_norm[0][0].item<double>(), 60 * std::sqrt(2) * p, 1e-8 * p);
}

TEST(AttackCourse, OfTwoClassesHasThePapersDerivatives) {
  const Subject subject(2);
  const AttackCourse course =
      measure_course(subject.network, subject.samples, at::full({12}, 0.3, at::kDouble), 6);
  const Tensor& p = course.first;
  EXPECT_TRUE(at::allclose(course.second, p * (1 - p)));
  EXPECT_TRUE(at::equal(course.second > p.square(), course.answered_wrong.logical_not()));
}

}  // namespace
}  // namespace reluctance
