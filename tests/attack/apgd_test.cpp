// Auto-PGD: what is published about it, and what is known of linear networks.
#include "reluctance/attack/apgd.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "attack/subjects.hpp"
#include "base/threads.hpp"
#include "network/random_networks.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

AttackResult run_apgd(const Network& network, const Samples& samples, const ApgdOptions& options,
                      const Context& context = {}) {
  return apgd_attack(options).run(network, samples, context);
}

ApgdOptions apgd_options(Ball ball, const Loss& loss, int64_t iterations = 40) {
  ApgdOptions options;
  options.ball = ball;
  options.loss = loss;
  options.iterations = iterations;
  return options;
}

// As in AutoAttack: the DLR loss towards nine classes.
ApgdOptions targeted_options(Ball ball, int64_t iterations = 40) {
  ApgdOptions options = apgd_options(ball, dlr_loss(), iterations);
  options.targets = 9;
  return options;
}

class Apgd : public testing::TestWithParam<Norm> {};

TEST_P(Apgd, FellsWhatALinearNetworkCannotHold) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const Tensor distance = boundary_distance(linear, GetParam());
  const auto check = [&](const AttackResult& result) {
    expect_honest(linear.network, linear.samples, ball, result);
    EXPECT_FALSE(result.success.logical_and(distance.gt(ball.radius)).any().item<bool>());
    // Without a target the ascent may go for another class than the nearest.
    const Tensor weak = distance.lt(0.9 * ball.radius);
    EXPECT_GE(result.success.logical_and(weak).sum().item<int64_t>(),
              weak.sum().item<int64_t>() * 3 / 4);
  };
  for (const Loss& loss : {cross_entropy_loss(), dlr_loss()}) {
    check(run_apgd(linear.network, linear.samples, apgd_options(ball, loss)));
  }
  check(run_apgd(linear.network, linear.samples, targeted_options(ball)));
}

TEST_P(Apgd, TargetsFindEveryBoundaryOfALinearNetwork) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const AttackResult result = run_apgd(linear.network, linear.samples, targeted_options(ball, 100));
  // In L1 steps end at a tenth of the radius, on several pixels where one would do.
  const double share = GetParam() == Norm::l1 ? 0.95 : 0.99;
  const Tensor weak = boundary_distance(linear, GetParam()).lt(share * ball.radius);
  EXPECT_FALSE(weak.logical_and(result.success.logical_not()).any().item<bool>());
  EXPECT_TRUE(at::equal(result.target.ge(0), result.success));
  EXPECT_FALSE(result.target.eq(linear.samples.labels).any().item<bool>());
}

TEST_P(Apgd, IsAtLeastAsStrongAsPgdOfEqualSteps) {
  for (const char* name : {"mlp", "cnn"}) {
    const auto [network, samples] = answered(name, 80);
    PgdOptions pgd;
    pgd.ball = {GetParam(), moderate_radius(GetParam())};
    pgd.steps = 40;
    const int64_t by_pgd =
        as_attack(pgd_attack(pgd)).run(network, samples, {}).success.sum().item<int64_t>();
    EXPECT_GT(by_pgd, 0);
    EXPECT_LT(by_pgd, samples.count());
    const AttackResult apgd =
        run_apgd(network, samples, apgd_options(pgd.ball, cross_entropy_loss()));
    EXPECT_GE(apgd.success.sum().item<int64_t>() + 1, by_pgd);
    const AttackResult targeted = run_apgd(network, samples, targeted_options(pgd.ball));
    EXPECT_GE(targeted.success.sum().item<int64_t>(), by_pgd);
    expect_honest(network, samples, pgd.ball, apgd);
    expect_honest(network, samples, pgd.ball, targeted);
  }
}

TEST_P(Apgd, SeedsRepeatAndDiffer) {
  const auto [network, samples] = answered("cnn", 80);
  const ApgdOptions options =
      apgd_options({GetParam(), moderate_radius(GetParam())}, dlr_loss(), 10);
  const auto attack = [&, &network = network, &samples = samples](std::uint64_t seed) {
    return run_apgd(network, samples, options, {seed, {}}).adversarial;
  };
  EXPECT_TRUE(at::equal(attack(1), attack(1)));
  EXPECT_FALSE(at::equal(attack(1), attack(2)));
}

INSTANTIATE_TEST_SUITE_P(Norms, Apgd, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

TEST(ApgdLoop, HalvesStepSizesAtThePublishedCheckpoints) {
  EXPECT_EQ(apgd_checkpoints(100), (std::vector<int64_t>{22, 41, 57, 70, 80, 87, 93, 99}));
  EXPECT_EQ(apgd_checkpoints(10), (std::vector<int64_t>{3, 5, 6, 7, 8, 9, 10, 10}));
}

TEST(ApgdLoop, TakesThreeBallsInL1) {
  const auto describe = [](const std::vector<ApgdStage>& stages) {
    std::vector<std::pair<double, int64_t>> all;
    for (const auto& [ball, iterations] : stages) all.emplace_back(ball.radius, iterations);
    return all;
  };
  using Described = std::vector<std::pair<double, int64_t>>;
  const Ball ball{Norm::l1, 12};
  EXPECT_EQ(describe(apgd_stages(ball, 100)), (Described{{36, 30}, {24, 30}, {12, 40}}));
  EXPECT_EQ(describe(apgd_stages(ball, 7)), (Described{{36, 3}, {24, 3}, {12, 1}}));
  EXPECT_EQ(describe(apgd_stages(ball, 3)), (Described{{36, 1}, {24, 1}, {12, 1}}));
  EXPECT_EQ(describe(apgd_stages(ball, 2)), (Described{{12, 2}}));
  EXPECT_EQ(describe(apgd_stages(ball, 1)), (Described{{12, 1}}));
  EXPECT_EQ(describe(apgd_stages({Norm::l2, 2}, 100)), (Described{{2, 100}}));
}

TEST(ApgdLoop, RunsAsOftenAsPublished) {
  EXPECT_EQ(published_apgd({Norm::l2, 1}, dlr_loss()).restarts, 1);
  EXPECT_EQ(published_apgd({Norm::l1, 1}, dlr_loss()).restarts, 5);
  EXPECT_EQ(published_targeted_apgd({Norm::linf, 1}).targets, 9);
  EXPECT_EQ(published_targeted_apgd({Norm::l1, 1}).targets, 5);
  EXPECT_EQ(published_targeted_apgd({Norm::l1, 1}).restarts, 1);
}

// Points of the wider balls are none of the attack's.
TEST(ApgdLoop, WiderBallsFellNothingAndCostTheirGradients) {
  const auto [network, samples] = answered("mlp", 80);
  const AttackResult result =
      run_apgd(network, samples, apgd_options({Norm::l1, 1e-6}, cross_entropy_loss(), 10));
  EXPECT_FALSE(result.success.any().item<bool>());
  // Balls of 3, 3 and 4 iterations: their starts and iterations, the last point without gradient.
  EXPECT_EQ(result.passes.forward, 80 * (1 + 4 + 4 + 5));
  EXPECT_EQ(result.passes.backward, 80 * (4 + 4 + 4));
  const Tensor clean = margins(logits(network, samples.images), samples.labels);
  EXPECT_TRUE(at::allclose(result.margin, clean, 1e-3, 1e-3)) << "a margin from outside the ball";
}

TEST(ApgdLoop, CountsItsPasses) {
  const auto [network, samples] = answered("mlp", 80);
  // Nothing falls to an empty ball: one pass for the answer, then 1 + iterations.
  const AttackResult result =
      run_apgd(network, samples, apgd_options({Norm::linf, 0}, cross_entropy_loss(), 7));
  EXPECT_EQ(result.passes.forward, 80 * 9);
  EXPECT_EQ(result.passes.backward, 80 * 7);
}

TEST(ApgdLoop, StopsForSamplesThatFell) {
  const auto [network, samples] = answered("mlp", 80);
  // Everything falls at once in a ball that reaches everywhere.
  const AttackResult result =
      run_apgd(network, samples, apgd_options({Norm::linf, 1}, cross_entropy_loss(), 50));
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_LT(result.passes.backward, 80 * 10);
}

TEST(ApgdLoop, WrongAnswersFallToThemselves) {
  const auto [network, samples] = answered("mlp", 80);
  const Samples wrong(samples.images, (samples.labels + 1).remainder(network.classes()));
  const AttackResult result = run_apgd(network, wrong, targeted_options({Norm::linf, 0.1}));
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_TRUE(at::equal(result.adversarial, samples.images));
  EXPECT_TRUE(result.target.eq(-1).all().item<bool>());
  EXPECT_EQ(result.passes.backward, 0);
}

TEST(ApgdLoop, ImagesOutsideTheBoxNeverFall) {
  // The only answer inside the box is wrong, but the box is further away than the ball is wide.
  Network network({1, 6, 6});
  network.append(reshape_layer({36}));
  Tensor weights = at::zeros({4, 36}, at::kDouble);
  weights[0].fill_(1);
  network.append(linear_layer(), {weights, at::tensor({-40.0, 0.0, -1.0, -2.0}, at::kDouble)});
  const Samples samples(at::full({20, 1, 6, 6}, 1.5, at::kDouble), at::zeros({20}, at::kLong));
  const AttackResult result = run_apgd(network, samples, targeted_options({Norm::linf, 0.1}));
  EXPECT_FALSE(result.success.any().item<bool>());
  EXPECT_TRUE(at::equal(result.adversarial, samples.images));
}

TEST(ApgdLoop, ProgressCountsEverySampleOfEveryRound) {
  const auto [network, samples] = answered("mlp", 80);
  ApgdOptions options = apgd_options({Norm::linf, 0.05}, cross_entropy_loss(), 5);
  options.restarts = 3;
  int64_t last = 0;
  run_apgd(network, samples, options, {0, [&](int64_t done, int64_t total) {
                                         EXPECT_EQ(total, 3 * 80);
                                         last = std::max(last, done);
                                       }});
  EXPECT_EQ(last, 3 * 80);
}

TEST(ApgdLoop, AnInterruptStopsIt) {
  const auto [network, samples] = answered("mlp", 80);
  const InterruptRequest request;
  EXPECT_THROW(run_apgd(network, samples, {}), Interrupted);
}

TEST(ApgdLoop, RefusesTooFewClasses) {
  const LinearSubject three = linear_subject(5, 3);
  EXPECT_THROW(run_apgd(three.network, three.samples, targeted_options({Norm::linf, 0.1})), Error);
  const LinearSubject two = linear_subject(5, 2);
  EXPECT_THROW(run_apgd(two.network, two.samples, apgd_options({Norm::linf, 0.1}, dlr_loss())),
               Error);
  EXPECT_NO_THROW(run_apgd(two.network, two.samples, {}));
}

TEST(ApgdLoop, IsNamedAfterItsLossOrItsTargets) {
  EXPECT_EQ(apgd_attack({}).name, "apgd-ce");
  EXPECT_EQ(apgd_attack({.loss = dlr_loss()}).name, "apgd-dlr");
  EXPECT_EQ(apgd_attack({.loss = dlr_loss(), .targets = 9}).name, "apgd-t");
}

}  // namespace
}  // namespace reluctance
