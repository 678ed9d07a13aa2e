// Ensembles: attacks one after the other, and that no claim counts unchecked.
#include <gtest/gtest.h>

#include "attack/subjects.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

AutoattackOptions quick() {
  AutoattackOptions options;
  options.iterations = 40;
  options.square_queries = 50;
  return options;
}

// Labels of which the first five are wrong.
Tensor partly_wrong(const LinearSubject& linear) {
  Tensor labels = linear.labels.clone();
  labels.slice(0, 0, 5).add_(1).remainder_(linear.network.classes());
  return labels;
}

class Ensemble : public testing::TestWithParam<Norm> {};

// `stages` of `ball` find exactly the robust samples of a linear network, and tell the truth.
void expect_exact(Norm norm, const std::function<std::vector<Stage>(const LinearSubject& linear,
                                                                    const Ball& ball)>& stages) {
  const LinearSubject linear = linear_subject();
  const Tensor labels = partly_wrong(linear);
  const Ball ball = half_of_them(linear, norm);
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, labels, ball, stages(linear, ball));

  const Tensor distance = boundary_distance(linear, norm);
  const Tensor wrong = labels.ne(linear.labels);
  const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
  EXPECT_TRUE(at::equal(result.felled_by.eq(EnsembleResult::wrong), wrong));
  // The median itself lies on the boundary, where either answer is right.
  const Tensor clear = wrong.logical_or((distance - ball.radius).abs().gt(1e-3 * ball.radius));
  const Tensor robust = distance.gt(ball.radius).logical_and(wrong.logical_not());
  EXPECT_TRUE(at::equal(stands.logical_and(clear), robust.logical_and(clear)));

  EXPECT_TRUE(inside(ball, linear.images, result.adversarial).all().item<bool>());
  EXPECT_TRUE(at::equal(correct(linear.network, result.adversarial, labels), stands));
  EXPECT_DOUBLE_EQ(result.clean.value, 55.0 / 60);
  EXPECT_DOUBLE_EQ(result.robust.value, stands.to(at::kDouble).mean().item<double>());
  // The least margin is that of the point that fell, or of one that did not.
  EXPECT_TRUE(
      at::equal(result.margin.le(0).logical_and(clear), stands.logical_not().logical_and(clear)));
}

TEST_P(Ensemble, AutoattackFindsTheRobustAccuracyOfALinearNetwork) {
  expect_exact(GetParam(), [](const LinearSubject& linear, const Ball& ball) {
    return autoattack_stages(linear.network, ball, quick());
  });
}

TEST_P(Ensemble, StandardFindsTheRobustAccuracyOfALinearNetwork) {
  expect_exact(GetParam(), [](const LinearSubject& linear, const Ball& ball) {
    return standard_stages(linear.network, ball, linear.images);
  });
}

TEST_P(Ensemble, GoesOnFromEveryCheckpoint) {
  const LinearSubject linear = linear_subject();
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  // A weaker ball than the first stage's needs, so that the others have work.
  const Ball ball{GetParam(), 0.9 * half_of_them(linear, GetParam()).radius};
  const std::vector<Stage> stages = standard_stages(linear.network, ball, linear.images);
  int checkpoints = 0;
  EnsembleState whole = begin_ensemble(linear.network, linear.images, linear.labels);
  run_ensemble(whole, linear.network, linear.images, linear.labels, ball, stages, 5,
               {{}, [&](const EnsembleState& at) {
                  save_ensemble(file.string() + std::to_string(checkpoints++), at, "seed: 5\n");
                }});
  ASSERT_GE(checkpoints, 6);
  for (int i = 0; i < checkpoints; ++i) {
    EnsembleState part = begin_ensemble(linear.network, linear.images, linear.labels);
    load_ensemble(file.string() + std::to_string(i), "seed: 5\n", stages, part);
    run_ensemble(part, linear.network, linear.images, linear.labels, ball, stages, 5);
    EXPECT_TRUE(at::equal(part.result.felled_by, whole.result.felled_by)) << i;
    EXPECT_TRUE(at::equal(part.result.adversarial, whole.result.adversarial)) << i;
    EXPECT_TRUE(at::equal(part.result.margin, whole.result.margin)) << i;
    EXPECT_EQ(part.result.passes.forward, whole.result.passes.forward) << i;
    EXPECT_EQ(part.result.robust.value, whole.result.robust.value) << i;
  }
  EnsembleState other = begin_ensemble(linear.network, linear.images, linear.labels);
  EXPECT_THROW(load_ensemble(file.string() + "0", "seed: 6\n", stages, other), Error);
  EnsembleState fewer =
      begin_ensemble(linear.network, linear.images.slice(0, 0, 9), linear.labels.slice(0, 0, 9));
  EXPECT_THROW(load_ensemble(file.string() + "0", "seed: 5\n", stages, fewer), Error);
  EXPECT_THROW(
      load_ensemble(file.string() + std::to_string(checkpoints - 1), "seed: 5\n", {}, other),
      Error);
}

TEST_P(Ensemble, StagesAddUp) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const EnsembleResult result = run_ensemble(linear.network, linear.images, linear.labels, ball,
                                             autoattack_stages(linear.network, ball, quick()), 3);
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

  const EnsembleResult again = run_ensemble(linear.network, linear.images, linear.labels, ball,
                                            autoattack_stages(linear.network, ball, quick()), 3);
  EXPECT_TRUE(at::equal(again.adversarial, result.adversarial));
  EXPECT_TRUE(at::equal(again.felled_by, result.felled_by));
}

INSTANTIATE_TEST_SUITE_P(Norms, Ensemble, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

Stage stage(const std::string& name, const std::function<AttackResult(const Tensor&)>& attack) {
  return {name, [attack](const Network&, const Tensor& images, const Tensor&, std::uint64_t,
                         const Progress&) { return attack(images); }};
}

TEST(EnsembleClaims, CountOnlyIfTheyHold) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const auto claim_all = [](const Tensor& x) { return at::ones({x.size(0)}, at::kBool); };
  const std::vector<Stage> liars{// Adversarial for many, far out of the ball.
                                 stage("far",
                                       [&](const Tensor& x) {
                                         return AttackResult{1 - x, claim_all(x)};
                                       }),
                                 // Out of the box.
                                 stage("below",
                                       [&](const Tensor& x) {
                                         return AttackResult{x - 2, claim_all(x)};
                                       }),
                                 // In the ball, but answered right.
                                 stage("idle",
                                       [&](const Tensor& x) {
                                         return AttackResult{x.clone(), claim_all(x)};
                                       }),
                                 stage("nothing", [&](const Tensor& x) {
                                   return AttackResult{x / 0.0, claim_all(x)};
                                 })};
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, ball, liars);
  EXPECT_DOUBLE_EQ(result.robust.value, 1.0);
  EXPECT_TRUE(at::equal(result.adversarial, linear.images));
}

TEST(EnsembleStages, ASharedOneGetsThoseOfLeastMargin) {
  const LinearSubject linear = linear_subject(40);
  const Tensor margin = margins(logits(linear.network, linear.images), linear.labels);
  Tensor seen;
  Stage part = stage("part", [&](const Tensor& x) {
    seen = x;
    return AttackResult{x.clone(), at::zeros({x.size(0)}, at::kBool)};
  });
  part.share = 0.25;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 0.1}, {part});
  EXPECT_EQ(result.stages[0].attacked, 10);
  const Tensor least = margin.argsort().slice(0, 0, 10);
  EXPECT_TRUE(at::equal(seen, linear.images.index_select(0, least)));
}

TEST(EnsembleStages, AreRepeatedWhileTheyFellMuch) {
  const LinearSubject linear = linear_subject(40);
  int calls = 0;
  // Fells half of what it gets twice, then nothing.
  Stage half = stage("half", [&](const Tensor& x) {
    const Tensor success = at::arange(x.size(0)).lt(++calls < 3 ? x.size(0) / 2 : 0);
    // Any point of so large a ball; most of these are answered otherwise.
    return AttackResult{at::where(per_sample(success, x), 1 - x, x), success};
  });
  half.again_above = 0.1;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 1.0}, {half});
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(result.stages.size(), 1U);
  EXPECT_GT(result.stages[0].attacked, 40);
  half.again_above = 1;
  calls = 0;
  run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 1.0}, {half});
  EXPECT_EQ(calls, 1);
}

TEST(EnsembleStages, AreNotRunOnceNothingStands) {
  const LinearSubject linear = linear_subject(10);
  const Tensor wrong = (linear.labels + 1).remainder(6);
  int calls = 0;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, wrong, {Norm::linf, 0.1},
                   {stage("counting", [&](const Tensor& x) {
                     ++calls;
                     return AttackResult{x.clone(), at::zeros({x.size(0)}, at::kBool)};
                   })});
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(result.stages.at(0).attacked, 0);
  EXPECT_DOUBLE_EQ(result.robust.value, 0.0);
}

TEST(EnsembleStages, ProgressCountsSamplesOfAllStages) {
  const LinearSubject linear = linear_subject(20);
  const Ball ball{Norm::linf, 0.01};
  int64_t last = 0;
  run_ensemble(linear.network, linear.images, linear.labels, ball,
               autoattack_stages(linear.network, ball, quick()), 0,
               [&](int64_t done, int64_t total) {
                 EXPECT_EQ(total, 80);
                 EXPECT_GE(done, last);
                 last = done;
               });
  EXPECT_EQ(last, 80);
}

TEST(EnsembleStages, AutoattackRefusesTooFewClasses) {
  EXPECT_THROW(autoattack_stages(linear_subject(5, 3).network, {Norm::linf, 0.1}), Error);
}

}  // namespace
}  // namespace reluctance
