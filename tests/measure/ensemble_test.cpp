// Ensembles: attacks one after the other, and that no claim counts unchecked.
#include "reluctance/measure/ensemble.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "attack/subjects.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/measure/accuracy.hpp"

namespace reluctance {
namespace {

AutoattackOptions quick() {
  AutoattackOptions options;
  options.iterations = 40;
  options.square_queries = 50;
  return options;
}

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

// A stage of images alone.
Stage stage(const std::string& name, const Ball& ball,
            const std::function<AttackResult(const Tensor& images)>& attack) {
  return {{name, ball, [attack](const Network&, const Samples& samples, const Context&) {
             return attack(samples.images);
           }}};
}

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

// A stage in waves that fells what it is told to, call by call, of so large a ball that almost any
// point is answered otherwise.
struct Waves {
  explicit Waves(std::vector<int64_t> falls, double pays, int64_t repetitions)
      : linear(linear_subject(1000)), falls_(std::move(falls)) {
    const auto attack = [this](const Network&, const Samples& samples, const Context& context) {
      waves.push_back(samples.index);
      seeds.push_back(context.seed);
      const Tensor& x = samples.images;
      const std::size_t call = waves.size() - 1;
      const Tensor success = at::arange(x.size(0)).lt(call < falls_.size() ? falls_[call] : 0);
      return AttackResult{at::where(per_sample(success, x), 1 - x, x), success};
    };
    stage = {{"waves", Ball{Norm::linf, 1.0}, attack}, pays, repetitions};
  }
  EnsembleResult run(int64_t samples) {
    return run_ensemble(linear.network, linear.samples.head(samples), {stage});
  }

  LinearSubject linear;
  Stage stage;
  std::vector<Tensor> waves;  // the samples of each call
  std::vector<std::uint64_t> seeds;

 private:
  std::vector<int64_t> falls_;
};

TEST(EnsembleStages, AWaveIsOfLeastMarginsAndOfChance) {
  Waves waves({}, 0.01, 3);
  const EnsembleResult result = waves.run(1000);
  ASSERT_EQ(waves.waves.size(), 1U);  // nothing fell: it does not go on
  const Tensor wave = waves.waves[0];
  EXPECT_EQ(wave.size(0), 100);
  EXPECT_EQ(result.stages[0].attacked, 100);
  const Samples& samples = waves.linear.samples;
  const Tensor margin = margins(logits(waves.linear.network, samples.images), samples.labels);
  const Tensor order = margin.argsort();
  EXPECT_TRUE(at::equal(wave.slice(0, 0, 75), order.slice(0, 0, 75)));
  const Tensor chance = wave.slice(0, 75);
  const auto among = [&](int64_t begin, int64_t end) {
    return chance.unsqueeze(1).eq(order.slice(0, begin, end)).sum().item<int64_t>();
  };
  EXPECT_EQ(among(75, 1000), 25);
  EXPECT_GT(among(500, 1000), 3);
}

TEST(EnsembleStages, GoOnWhileTheyPay) {
  // Waves of 100, of what still stands: the third one brings too little.
  Waves waves({2, 5, 0}, 0.01, 3);
  const EnsembleResult result = waves.run(1000);
  ASSERT_EQ(waves.waves.size(), 3U);
  EXPECT_EQ(result.felled_by.eq(0).sum().item<int64_t>(), 7);
  const Tensor all = at::cat(waves.waves);
  EXPECT_EQ(std::get<0>(at::_unique2(all)).size(0), all.size(0)) << "a sample was tried twice";
}

TEST(EnsembleStages, AreRepeatedWithOtherNumbersWhileTheyPay) {
  // 60 samples: waves of 50 and of what is left, in which too few are attacked to say it fails.
  Waves waves({3, 0, 3, 0, 0}, 0.02, 9);
  waves.run(60);
  ASSERT_EQ(waves.waves.size(), 5U);
  EXPECT_EQ(waves.seeds[0], waves.seeds[1]);
  EXPECT_NE(waves.seeds[1], waves.seeds[2]);
  EXPECT_EQ(waves.seeds[2], waves.seeds[3]);
  EXPECT_NE(waves.seeds[3], waves.seeds[4]);
}

TEST(EnsembleStages, FewSamplesGetAllThatThereIs) {
  for (const int64_t samples : {1, 10, 49}) {
    Waves waves({}, 0.01, 4);
    waves.run(samples);
    EXPECT_EQ(waves.waves.size(), 4U) << samples;
  }
}

// What the cascade is run on: a linear network, and one of three layers whose boundaries bend.
struct Cascade {
  std::string name;
  Network network;
  Samples samples;
  Ball ball;

  // On any of the samples, with starts towards all of them.
  EnsembleResult run(const Samples& some) const {
    return run_ensemble(network, some, standard_stages(network, ball, samples.images));
  }
};

std::vector<Cascade> cascades(Norm norm) {
  const LinearSubject linear = linear_subject(200);
  at::manual_seed(22);
  Network deep({1, 6, 6});
  deep.append(reshape_layer({36}));
  for (const auto& [out, in] : {std::pair{24, 36}, std::pair{16, 24}, std::pair{6, 16}}) {
    if (in != 36) deep.append(relu_layer());
    deep.append(linear_layer(), {at::randn({out, in}, at::kDouble) * std::sqrt(2.0 / in),
                                 at::randn({out}, at::kDouble) * 0.1});
  }
  const Tensor images = at::rand({200, 1, 6, 6}, at::kDouble);
  const Tensor labels = logits(deep, images).argmax(1);
  return {{"linear", linear.network, linear.samples, half_of_them(linear, norm)},
          {"deep", deep, {images, labels}, {norm, norm == Norm::linf ? 0.03 : 0.12}}};
}

// What is learned from the others decides how much an image gets, their order does not.
TEST(EnsembleStages, DoNotDependOnTheOrderOfTheSamples) {
  for (const Cascade& cascade : cascades(Norm::l2)) {
    SCOPED_TRACE(cascade.name);
    const EnsembleResult forwards = cascade.run(cascade.samples);
    const EnsembleResult backwards = cascade.run(cascade.samples.rows(at::arange(199, -1, -1)));
    EXPECT_GT(forwards.robust.value, 0.2);
    EXPECT_LT(forwards.robust.value, 0.8);
    EXPECT_TRUE(at::equal(forwards.felled_by, backwards.felled_by.flip(0)));
    for (std::size_t k = 0; k < forwards.stages.size(); ++k) {
      EXPECT_EQ(forwards.stages[k].attacked, backwards.stages[k].attacked);
    }
  }
}

// Alone, an image falls to whatever it falls to among others.
TEST(EnsembleStages, AnImageAloneGetsAtLeastWhatItGetsAmongOthers) {
  for (const Cascade& cascade : cascades(Norm::linf)) {
    SCOPED_TRACE(cascade.name);
    const EnsembleResult all = cascade.run(cascade.samples);
    EXPECT_GT(all.robust.value, 0.2);
    EXPECT_LT(all.robust.value, 0.8);
    for (int64_t i = 0; i < 200; i += 7) {
      const EnsembleResult alone = cascade.run(cascade.samples.slice(i, i + 1));
      if (all.felled_by[i].item<int64_t>() >= 0) {
        EXPECT_GE(alone.felled_by.item<int64_t>(), 0) << i;
      }
    }
  }
}

TEST(EnsembleStages, AreNotRunOnceNothingStands) {
  const LinearSubject linear = linear_subject(10);
  const Tensor wrong = (linear.samples.labels + 1).remainder(6);
  int calls = 0;
  const EnsembleResult result =
      run_ensemble(linear.network, {linear.samples.images, wrong},
                   {stage("counting", {Norm::linf, 0.1}, [&](const Tensor& x) {
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
  EnsembleOptions options;
  options.context.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, 80);
    EXPECT_GE(done, last);
    last = done;
  };
  run_ensemble(linear.network, linear.samples, autoattack_stages(linear.network, ball, quick()),
               options);
  EXPECT_EQ(last, 80);
}

TEST(EnsembleStages, AutoattackWithFewClassesLeavesItsTargetedLossOut) {
  const LinearSubject linear = linear_subject(20, 3);
  const Ball ball = half_of_them(linear, Norm::linf);
  const EnsembleResult result = run_ensemble(linear.network, linear.samples,
                                             autoattack_stages(linear.network, ball, quick()));
  std::vector<std::string> names;
  for (const StageOutcome& stage : result.stages) names.push_back(stage.name);
  EXPECT_EQ(names, (std::vector<std::string>{"apgd-ce", "fab-t", "square"}));
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
