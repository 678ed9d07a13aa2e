// Ensembles: attacks one after the other, and that no claim counts unchecked.
#include "reluctance/measure/ensemble.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "attack/subjects.hpp"
#include "measure/small_ensembles.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/measure/accuracy.hpp"

namespace reluctance {
namespace {

// The samples with labels of which the first five are wrong.
Samples partly_wrong(const LinearSubject& linear) {
  const Tensor labels = linear.samples.labels.clone();
  labels.slice(0, 0, 5).add_(1).remainder_(linear.network.classes());
  return {linear.samples.images, labels};
}

// Logits that differ by 5e-11 beside 0.5, which float32 cannot tell apart.
TEST(EnsembleClaims, ThatOnlyRoundingDecidesAreCounted) {
  Network network({2});
  network.append(linear_layer(), {at::tensor({1.0, 0.0, 1.0, 1e-10}, at::kFloat).view({2, 2}),
                                  at::tensor({5e-11, 0.0}, at::kFloat)});
  // The second logit is the larger one for the first image, the smaller one for the second.
  const Samples samples{at::tensor({0.5, 1.0, 0.5, 0.0}, at::kFloat).view({2, 2}),
                        at::zeros({2}, at::kLong)};
  EnsembleResult result;
  result.felled_by = at::zeros({2}, at::kLong);
  result.adversarial = samples.images;
  EXPECT_EQ(decided_by_rounding(network, samples, result), 1);
  result.felled_by[1] = EnsembleResult::stands;
  EXPECT_EQ(decided_by_rounding(network, samples, result), 0);
}

class Ensemble : public testing::TestWithParam<Norm> {};

// `stages` of `ball` find the robust samples of a linear network, but for those that are nearer to
// the surface than this share of the radius, and tell the truth.
void expect_exact(Norm norm, double share,
                  const std::function<std::vector<Stage>(const LinearSubject& linear,
                                                         const Ball& ball)>& stages) {
  const LinearSubject linear = linear_subject();
  const Samples samples = partly_wrong(linear);
  const Ball ball = half_of_them(linear, norm);
  const EnsembleResult result = run_ensemble(linear.network, samples, stages(linear, ball));

  const Tensor distance = boundary_distance(linear, norm);
  const Tensor wrong = samples.labels.ne(linear.samples.labels);
  const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
  EXPECT_TRUE(at::equal(result.felled_by.eq(EnsembleResult::wrong), wrong));
  // The median itself lies on the boundary, where either answer is right.
  const Tensor clear = wrong.logical_or((distance - ball.radius).abs().gt(share * ball.radius));
  const Tensor robust = distance.gt(ball.radius).logical_and(wrong.logical_not());
  EXPECT_TRUE(at::equal(stands.logical_and(clear), robust.logical_and(clear)));

  EXPECT_TRUE(inside(ball, samples.images, result.adversarial).all().item<bool>());
  EXPECT_TRUE(at::equal(correct(linear.network, samples.with_images(result.adversarial)), stands));
  EXPECT_DOUBLE_EQ(result.clean.value, 55.0 / 60);
  EXPECT_DOUBLE_EQ(result.robust.value, stands.to(at::kDouble).mean().item<double>());
  // The least margin is that of the point that fell, or of one that did not.
  EXPECT_TRUE(
      at::equal(result.margin.le(0).logical_and(clear), stands.logical_not().logical_and(clear)));
}

TEST_P(Ensemble, AutoattackFindsTheRobustAccuracyOfALinearNetwork) {
  // The sparse steps of Auto-PGD in L1 end near the corner of the ball, not in it.
  const double share = GetParam() == Norm::l1 ? 0.05 : 1e-3;
  expect_exact(GetParam(), share, [](const LinearSubject& linear, const Ball& ball) {
    return autoattack_stages(linear.network, ball, quick());
  });
}

TEST_P(Ensemble, StandardFindsTheRobustAccuracyOfALinearNetwork) {
  expect_exact(GetParam(), 1e-3, [](const LinearSubject& linear, const Ball& ball) {
    return standard_stages(linear.network, ball, linear.samples.images);
  });
}

TEST_P(Ensemble, StagesAddUp) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const EnsembleResult result =
      run_ensemble(linear.network, linear.samples, autoattack_stages(linear.network, ball, quick()),
                   {{3, {}}, {}, {}});
  ASSERT_EQ(result.stages.size(), 4U);
  int64_t standing = 60;
  PassCount passes;
  for (std::size_t i = 0; i < 4; ++i) {
    const StageOutcome& stage = result.stages[i];
    EXPECT_EQ(stage.attacked, standing);
    standing -= result.felled_by.eq(static_cast<int64_t>(i)).sum().item<int64_t>();
    EXPECT_DOUBLE_EQ(stage.robust.value, static_cast<double>(standing) / 60);
    EXPECT_GE(stage.seconds, 0);
    EXPECT_GT(stage.passes.forward, 0);
    passes += stage.passes;
  }
  EXPECT_EQ(passes.forward, result.passes.forward);
  EXPECT_EQ(passes.backward, result.passes.backward);
  // Only the second and third aim at classes.
  const Tensor aimed = result.felled_by.eq(1).logical_or(result.felled_by.eq(2));
  EXPECT_TRUE(at::equal(result.target.ge(0), aimed));

  const EnsembleResult again =
      run_ensemble(linear.network, linear.samples, autoattack_stages(linear.network, ball, quick()),
                   {{3, {}}, {}, {}});
  EXPECT_TRUE(at::equal(again.adversarial, result.adversarial));
  EXPECT_TRUE(at::equal(again.felled_by, result.felled_by));
}

INSTANTIATE_TEST_SUITE_P(Norms, Ensemble, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

TEST(EnsembleClaims, CountOnlyIfTheyHold) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const auto claim_all = [](const Tensor& x) { return at::ones({x.size(0)}, at::kBool); };
  const std::vector<Stage> liars{// Adversarial for many, far out of the ball.
                                 stage("far", ball,
                                       [&](const Tensor& x) {
                                         return AttackResult{1 - x, claim_all(x)};
                                       }),
                                 // Out of the box.
                                 stage("below", ball,
                                       [&](const Tensor& x) {
                                         return AttackResult{x - 2, claim_all(x)};
                                       }),
                                 // In the ball, but answered right.
                                 stage("idle", ball,
                                       [&](const Tensor& x) {
                                         return AttackResult{x.clone(), claim_all(x)};
                                       }),
                                 stage("nothing", ball, [&](const Tensor& x) {
                                   return AttackResult{x / 0.0, claim_all(x)};
                                 })};
  const EnsembleResult result = run_ensemble(linear.network, linear.samples, liars);
  EXPECT_DOUBLE_EQ(result.robust.value, 1.0);
  EXPECT_TRUE(at::equal(result.adversarial, linear.samples.images));
}

// Each claim is held to the ball of its own attack.
TEST(EnsembleClaims, AreHeldToTheBallOfTheirStage) {
  const LinearSubject linear = linear_subject();
  const auto flip = [](const Tensor& x) {
    return AttackResult{1 - x, at::ones({x.size(0)}, at::kBool)};
  };
  const EnsembleResult result = run_ensemble(
      linear.network, linear.samples,
      {stage("small", {Norm::linf, 0.001}, flip), stage("large", {Norm::linf, 1.0}, flip)});
  EXPECT_EQ(result.felled_by.eq(0).sum().item<int64_t>(), 0);
  EXPECT_GT(result.felled_by.eq(1).sum().item<int64_t>(), 0);
}

// PGD with random starts and several runs, too short to forget where they began.
Attack random_pgd(const Ball& ball) {
  PgdOptions options;
  options.ball = ball;
  options.steps = 3;
  options.step_size = 0.3 * ball.radius;
  options.restarts = 2;
  return as_attack(pgd_attack(options));
}

TEST(EnsembleOfOne, IsTheAttackOnWhatIsAnsweredRight) {
  const LinearSubject linear = linear_subject();
  const Samples samples = partly_wrong(linear);
  Ball ball = half_of_them(linear, Norm::linf);
  ball.radius *= 1.5;
  const EnsembleResult result = run_ensemble(linear.network, samples, {{random_pgd(ball)}});
  ASSERT_EQ(result.stages.size(), 1U);
  EXPECT_EQ(result.stages[0].name, "pgd");
  EXPECT_EQ(result.stages[0].attacked, 55);
  EXPECT_EQ(result.stages[0].robust.value, result.robust.value);
  const Tensor fell =
      correct(linear.network, samples.with_images(result.adversarial)).logical_not().slice(0, 5);
  EXPECT_GT(fell.sum().item<int64_t>(), 0);
  EXPECT_LT(fell.sum().item<int64_t>(), 55);
  EXPECT_TRUE(at::equal(result.felled_by.slice(0, 5),
                        at::where(fell, at::zeros({55}, at::kLong),
                                  at::full({55}, EnsembleResult::stands, at::kLong))));
  EXPECT_TRUE(result.felled_by.slice(0, 0, 5).eq(EnsembleResult::wrong).all().item<bool>());
  EXPECT_TRUE(result.target.eq(-1).all().item<bool>());
}

// Random starts belong to the samples: whatever the others are and wherever they stand.
TEST(EnsembleOfOne, GivesEachSampleTheSameInAnyCompany) {
  const LinearSubject linear = linear_subject();
  const Samples samples = partly_wrong(linear);
  for (const Norm norm : all_norms()) {
    Ball ball = half_of_them(linear, norm);
    ball.radius *= 1.5;
    const std::vector<Stage> stages{{random_pgd(ball)}};
    EnsembleOptions options;
    options.context.seed = 11;
    const EnsembleResult all = run_ensemble(linear.network, samples, stages, options);
    ASSERT_GT(all.felled_by.eq(0).sum().item<int64_t>(), 10);
    ASSERT_GT(all.felled_by.eq(EnsembleResult::stands).sum().item<int64_t>(), 10);

    const Tensor backwards = at::arange(59, -1, -1);
    const EnsembleResult reversed =
        run_ensemble(linear.network, samples.rows(backwards), stages, options);
    EXPECT_TRUE(at::equal(reversed.felled_by, all.felled_by.flip(0)));
    // Up to the rounding of products of other sizes.
    EXPECT_TRUE(at::allclose(reversed.adversarial, all.adversarial.flip(0), 0, 1e-12));
    for (int64_t i = 0; i < samples.count(); ++i) {
      const EnsembleResult alone =
          run_ensemble(linear.network, samples.slice(i, i + 1), stages, options);
      EXPECT_EQ(alone.felled_by.item<int64_t>(), all.felled_by[i].item<int64_t>()) << i;
      EXPECT_TRUE(at::allclose(alone.adversarial[0], all.adversarial[i], 0, 1e-12)) << i;
    }
    // The starts are random: another seed, or another index, ends elsewhere.
    options.context.seed = 12;
    EXPECT_FALSE(at::allclose(run_ensemble(linear.network, samples, stages, options).adversarial,
                              all.adversarial));
    options.context.seed = 11;
    const Samples renamed(samples.images, samples.labels, samples.index + 60);
    EXPECT_FALSE(at::allclose(run_ensemble(linear.network, renamed, stages, options).adversarial,
                              all.adversarial));
  }
}

TEST(EnsembleStates, AreLeftAloneByTheRunThatGoesOnFromThem) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const EnsembleState begun = begin_ensemble(linear.network, linear.samples);
  EnsembleOptions options;
  options.from = begun;
  const EnsembleResult end = run_ensemble(
      linear.network, linear.samples, autoattack_stages(linear.network, ball, quick()), options);
  ASSERT_LT(end.robust.value, 1);
  const EnsembleState fresh = begin_ensemble(linear.network, linear.samples);
  for (const EnsembleState& state : {begun, *options.from}) {
    EXPECT_TRUE(state.result.felled_by.eq(EnsembleResult::stands).all().item<bool>());
    EXPECT_TRUE(state.result.target.eq(-1).all().item<bool>());
    EXPECT_TRUE(at::equal(state.result.adversarial, linear.samples.images));
    EXPECT_TRUE(at::equal(state.result.margin, fresh.result.margin));
    EXPECT_DOUBLE_EQ(state.result.robust.value, 1);
    EXPECT_TRUE(state.result.stages.empty());
    EXPECT_EQ(state.result.passes.forward, 0);
    EXPECT_EQ(state.pending.size(0), 0);
  }
}

}  // namespace
}  // namespace reluctance
