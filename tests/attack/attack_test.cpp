// Attacks: their steps against a naive loop over autograd, and what the shared loop promises.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "network/random_networks.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr int64_t samples = 40;

struct Subject {
  Network network;
  Tensor x, labels;
};

Subject subject(int index) {
  at::manual_seed(11 + index);
  Network network = networks_in_double().at(static_cast<std::size_t>(index)).network;
  Tensor x = random_input(network, samples);
  // Labels that the network answers, so that an attack has something to do.
  Tensor labels = logits(network, x).argmax(1);
  return {std::move(network), std::move(x), std::move(labels)};
}

Tensor autograd_gradient(const Network& network, const Tensor& x, const Tensor& labels) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor loss = at::cross_entropy_loss(forward(network, leaf, Keep::nothing).logits, labels,
                                             {}, at::Reduction::Sum);
  return torch::autograd::grad({loss}, {leaf})[0];
}

Tensor l2(const Tensor& x) {
  Shape shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = -1;
  return x.flatten(1).norm(2, 1).view(shape);
}

Attack without_random_start(Norm norm, double radius, int64_t steps) {
  PgdOptions options;
  options.ball = {norm, radius};
  options.steps = steps;
  options.random_start = false;
  return pgd_attack(options);
}

class Attacks : public testing::TestWithParam<int> {};

TEST_P(Attacks, InputGradientEqualsAutograd) {
  const auto [network, x, labels] = subject(GetParam());
  EXPECT_TRUE(at::allclose(input_gradient(network, x, labels).gradient,
                           autograd_gradient(network, x, labels), 1e-9, 1e-13));
}

TEST_P(Attacks, RawEqualsNaiveAscent) {
  const auto [network, x, labels] = subject(GetParam());
  Tensor expected = x.clone();
  for (int t = 0; t < 5; ++t)
    expected = expected + 0.1 * autograd_gradient(network, expected, labels);
  EXPECT_TRUE(
      at::allclose(run_attack(network, x, labels, raw_attack(0.5, 5)).adversarial, expected));
}

TEST_P(Attacks, PgdEqualsNaiveLoop) {
  const auto [network, x, labels] = subject(GetParam());
  for (Norm norm : {Norm::linf, Norm::l2}) {
    const double radius = norm == Norm::linf ? 0.1 : 0.7;
    const Attack attack = without_random_start(norm, radius, 4);
    Tensor z = x.clone();
    for (int t = 0; t < 4; ++t) {
      const Tensor g = autograd_gradient(network, z, labels);
      const Tensor direction = norm == Norm::linf ? g.sign() : g / l2(g).clamp_min(1e-30);
      Tensor delta = z + 2.5 * radius / 4 * direction - x;
      delta = norm == Norm::linf ? delta.clamp(-radius, radius)
                                 : delta * (radius / l2(delta)).clamp_max(1);
      z = (x + delta).clamp(0, 1);
    }
    EXPECT_TRUE(at::allclose(run_attack(network, x, labels, attack).adversarial, z, 1e-9, 1e-9));
  }
}

TEST_P(Attacks, StayInTheBallAndTheBoxAndTellTheTruth) {
  const auto [network, x, labels] = subject(GetParam());
  for (Norm norm : {Norm::linf, Norm::l2}) {
    const double radius = norm == Norm::linf ? 0.2 : 1.5;
    PgdOptions options;
    options.ball = {norm, radius};
    options.steps = 7;
    options.restarts = 3;
    const AttackResult result = run_attack(network, x, labels, pgd_attack(options), 5);
    const Tensor delta = result.adversarial - x;
    const Tensor size = norm == Norm::linf ? delta.abs().amax() : l2(delta).max();
    EXPECT_LE(size.item<double>(), radius * (1 + 1e-9));
    EXPECT_GE(result.adversarial.min().item<double>(), 0.0);
    EXPECT_LE(result.adversarial.max().item<double>(), 1.0);
    EXPECT_TRUE(
        at::equal(result.success, logits(network, result.adversarial).argmax(1).ne(labels)));
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Attacks, testing::Range(0, 7), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(Attack, FgsmIsOneSignStep) {
  const auto [network, x, labels] = subject(2);
  const Tensor expected = (x + 0.07 * autograd_gradient(network, x, labels).sign()).clamp(0, 1);
  EXPECT_TRUE(
      at::allclose(run_attack(network, x, labels, fgsm_attack(0.07, false)).adversarial, expected));
}

TEST(Attack, SeedsRepeatAndDiffer) {
  const auto [network, x, labels] = subject(2);
  const Attack attack = pgd_attack({});
  const Tensor first = run_attack(network, x, labels, attack, 1).adversarial;
  EXPECT_TRUE(at::equal(first, run_attack(network, x, labels, attack, 1).adversarial));
  EXPECT_FALSE(at::equal(first, run_attack(network, x, labels, attack, 2).adversarial));
}

TEST(Attack, RestartsNeverLoseASuccess) {
  const auto [network, x, labels] = subject(2);
  PgdOptions options;
  options.ball = {Norm::linf, 0.05};
  options.steps = 3;
  const Tensor once = run_attack(network, x, labels, pgd_attack(options)).success;
  options.restarts = 6;
  const Tensor often = run_attack(network, x, labels, pgd_attack(options)).success;
  EXPECT_FALSE(once.logical_and(often.logical_not()).any().item<bool>());
}

TEST(Attack, RandomStartsFillTheBall) {
  const Tensor clean = at::full({2000, 3}, 0.5, at::kDouble);
  Attack attack = pgd_attack({});
  attack.ball = Ball{Norm::l2, 0.3};
  const Tensor delta = starting_points(clean, attack, make_generator(4)) - clean;
  const Tensor radii = l2(delta).flatten() / 0.3;
  EXPECT_LE(radii.max().item<double>(), 1.0);
  // Uniform in a ball of 3 dimensions: P(radius < r) = r^3.
  for (double r : {0.5, 0.8}) {
    EXPECT_NEAR(radii.lt(r).to(at::kDouble).mean().item<double>(), r * r * r, 0.03);
  }
  EXPECT_LT(delta.mean(0).abs().max().item<double>(), 0.01);
}

TEST(Attack, CountsItsPasses) {
  const auto [network, x, labels] = subject(2);
  const PassCount passes = run_attack(network, x, labels, raw_attack(1, 5)).passes;
  EXPECT_EQ(passes.forward, samples * 6);
  EXPECT_EQ(passes.backward, samples * 5);
}

TEST(Attack, AnInterruptStopsIt) {
  const auto [network, x, labels] = subject(2);
  request_interrupt();
  EXPECT_THROW(run_attack(network, x, labels, raw_attack(1, 5)), Interrupted);
  clear_interrupt();
}

TEST(Attack, ProgressCountsEverySample) {
  const auto [network, x, labels] = subject(2);
  int64_t last = 0;
  run_attack(network, x, labels, raw_attack(1, 5), 0, [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, samples);
    last = std::max(last, done);
  });
  EXPECT_EQ(last, samples);
}

TEST(Norms, AreNamedBothWays) {
  for (Norm norm : {Norm::linf, Norm::l2}) EXPECT_EQ(parse_norm(to_string(norm)), norm);
  EXPECT_THROW(parse_norm("l3"), Error);
}

}  // namespace
}  // namespace reluctance
