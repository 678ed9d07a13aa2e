// Quantiles, intervals, accuracies and the strength that fools a share of the samples.
#include <gtest/gtest.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

TEST(Quantiles, InterpolateAndLeaveOutWhatIsNotFinite) {
  const auto q =
      quantiles(at::tensor({4.0, std::nan(""), 0.0, 1.0, 3.0, 2.0, INFINITY}, at::kDouble));
  ASSERT_TRUE(q);
  EXPECT_DOUBLE_EQ(q->median, 2.0);
  EXPECT_DOUBLE_EQ(q->q25, 1.0);
  EXPECT_DOUBLE_EQ(q->q95, 3.8);
  EXPECT_FALSE(quantiles(at::tensor({std::nan("")}, at::kDouble)));
}

TEST(Share, HasTheWilsonInterval) {
  // Wilson's interval for 7 of 20 (Newcombe 1998 gives the method; figures by hand).
  const Share seven = share(7, 20);
  EXPECT_DOUBLE_EQ(seven.value, 0.35);
  EXPECT_NEAR(seven.low, 0.1812, 1e-4);
  EXPECT_NEAR(seven.high, 0.5671, 1e-4);
  EXPECT_EQ(share(0, 10).low, 0.0);
  EXPECT_GT(share(0, 10).high, 0.2);
  EXPECT_DOUBLE_EQ(share(10, 10).high, 1.0);
}

struct Subject {
  Network network;
  Tensor x, labels;
};

Subject subject() {
  at::manual_seed(2);
  Network network = networks_in_double().at(2).network;
  Tensor x = random_input(network, 60);
  Tensor labels = logits(network, x).argmax(1);
  labels.slice(0, 0, 6).add_(1).remainder_(6);  // ten percent wrong
  return {std::move(network), std::move(x), std::move(labels)};
}

TEST(MeanInterval, IsStudents) {
  // Mean 3, standard deviation sqrt(2.5), t(4) = 2.7764.
  const Interval five = mean_interval(std::vector<double>{1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(five.value, 3);
  EXPECT_NEAR(five.high - five.value, 2.7764 * std::sqrt(2.5 / 5), 1e-4);
  EXPECT_NEAR(five.value - five.low, five.high - five.value, 1e-12);
  const Interval one = mean_interval(std::vector<double>{7});
  EXPECT_EQ(one.low, 7);
  // t(19) = 2.0930 by the expansion.
  std::vector<double> twenty;
  for (int k = 0; k < 20; ++k) twenty.push_back(k % 2);
  const Interval many = mean_interval(twenty);
  EXPECT_NEAR((many.high - many.value) / std::sqrt(5.0 / 19 / 20), 2.0930, 1e-3);
}

TEST(Accuracy, CountsWrongImagesAsFallen) {
  const auto [network, x, labels] = subject();
  EXPECT_DOUBLE_EQ(clean_accuracy(network, x, labels).value, 0.9);
  PgdOptions options;
  options.ball = {Norm::linf, 0.1};
  const RobustAccuracy robust = robust_accuracy(network, x, labels, pgd_attack(options), 0);
  EXPECT_DOUBLE_EQ(robust.clean.value, 0.9);
  EXPECT_DOUBLE_EQ(
      robust.robust.value,
      correct(network, robust.result.adversarial, labels).to(at::kDouble).mean().item<double>());
  EXPECT_TRUE(robust.result.success.slice(0, 0, 6).all().item<bool>());
  EXPECT_TRUE(at::equal(robust.result.adversarial.slice(0, 0, 6), x.slice(0, 0, 6)));
}

TEST(RawAttack, MeasuresWhatTheAttackDid) {
  const auto [network, x, labels] = subject();
  const RawAttackResult result = measure_raw_attack(network, x, labels, 3.0, 10);
  const AttackResult attack = run_attack(network, x, labels, raw_attack(3.0, 10));
  EXPECT_TRUE(at::allclose(x + result.delta, attack.adversarial));
  EXPECT_TRUE(at::equal(result.predictions.ne(labels), attack.success));
  EXPECT_TRUE(
      at::allclose(result.gradient, input_gradient(network, attack.adversarial, labels).gradient));
}

TEST(RawAttack, TheStrengthThatFoolsHalfFoolsHalf) {
  const auto [network, x, labels] = subject();
  const double beta = strength_that_fools(network, x, labels, 10, 0.5);
  const Tensor right = correct(network, x, labels);
  const auto fooled = [&](double strength) {
    const Tensor success = run_attack(network, x, labels, raw_attack(strength, 10)).success;
    return success.logical_and(right).sum().item<double>() / right.sum().item<double>();
  };
  EXPECT_GE(fooled(beta), 0.5);
  EXPECT_LT(fooled(beta / 1.05), 0.5);
}

TEST(RawAttack, ANetworkThatCannotBeFooledIsSaidSo) {
  Network constant({3});
  constant.append(linear_layer(),
                  {at::zeros({2, 3}, at::kDouble), at::tensor({1.0, 0.0}, at::kDouble)});
  const Tensor x = at::rand({10, 3}, at::kDouble);
  EXPECT_EQ(strength_that_fools(constant, x, at::zeros({10}, at::kLong), 5, 0.5), largest_strength);
}

}  // namespace
}  // namespace reluctance
