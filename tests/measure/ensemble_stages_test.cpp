// Stages of an ensemble: how far they go, on which samples, and that neither order nor company
// changes an answer.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "attack/subjects.hpp"
#include "measure/small_ensembles.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {
namespace {

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
  Waves waves({2, 5, 0}, 0.01, 1);
  const EnsembleResult result = waves.run(1000);
  ASSERT_EQ(waves.waves.size(), 3U);
  EXPECT_EQ(result.felled_by.eq(0).sum().item<int64_t>(), 7);
  const Tensor all = at::cat(waves.waves);
  EXPECT_EQ(std::get<0>(at::_unique2(all)).size(0), all.size(0)) << "a sample was tried twice";
}

TEST(EnsembleStages, AreRepeatedWithOtherNumbersWhileTheyPay) {
  // Waves of 50. The second one ends the first time, which paid as a whole; the third time did not.
  Waves waves({3, 0, 3, 0, 0}, 0.02, 9);
  waves.run(500);
  ASSERT_EQ(waves.waves.size(), 5U);
  EXPECT_EQ(waves.seeds[0], waves.seeds[1]);
  EXPECT_NE(waves.seeds[1], waves.seeds[2]);
  EXPECT_EQ(waves.seeds[2], waves.seeds[3]);
  EXPECT_NE(waves.seeds[3], waves.seeds[4]);
}

// The nearest ones are tried again before a stage ends for lack of success.
TEST(EnsembleStages, FewAttacksAreNoEvidence) {
  Waves waves({}, 0.01, 9);
  waves.run(130);  // waves of 13: the fourth time makes 52 attacks
  ASSERT_EQ(waves.waves.size(), 4U);
  for (const Tensor& wave : waves.waves) EXPECT_EQ(wave.size(0), 13);
}

TEST(EnsembleStages, FewSamplesGetAllThatThereIs) {
  for (const int64_t samples : {1, 10, 13}) {
    Waves waves({}, 0.01, 4);
    waves.run(samples);
    ASSERT_EQ(waves.waves.size(), 4U) << samples;
    for (const Tensor& wave : waves.waves) EXPECT_EQ(wave.size(0), samples);
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

}  // namespace
}  // namespace reluctance
