// Advice on what was measured, and silence on all else.
#include "reluctance/claims/advice.hpp"

#include <gtest/gtest.h>

#include "claims/trained_network.hpp"

namespace reluctance {
namespace {

TrainingRecord adversarial(int64_t steps) {
  PgdOptions pgd;
  pgd.ball = {Norm::linf, 0.1};
  pgd.steps = steps;
  return {pgd_attack(pgd), {}};
}

AttackComparison comparison(double own, double many, double many_training) {
  const auto of = [](double value) { return Share{value, value, value, 1000}; };
  return {of(0.9), of(own), of(own), of(many), of(many_training), 0.5, 1.0, 0.14};
}

TEST(Advice, IsSilentWithoutMeasurements) {
  EXPECT_TRUE(advise({}).empty());
  EXPECT_TRUE(advise({adversarial(7), std::nullopt, nullptr}).empty());
}

TEST(Advice, IsSilentOnAHealthyRun) {
  TrainingRecord training = adversarial(7);
  training.watched = {{1, 0.1, 1.9, 3.8}, {100, 0.1, 0.5, 3.8}};
  EXPECT_TRUE(advise({training, comparison(0.72, 0.70, 0.75), nullptr}).empty());
}

TEST(Advice, NamesARateAboveTheCriticalOne) {
  TrainingRecord training = adversarial(7);
  training.watched = {{1, 0.1, 1.9, 3.8}, {8, 0.1, 7.6, 3.8}, {100, 0.1, 0.5, 3.8}};
  const std::vector<Advice> advice = advise({training, comparison(0.72, 0.70, 0.75), nullptr});
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_NE(advice[0].action.find("below 0.05"), std::string::npos) << advice[0].action;
  EXPECT_NE(advice[0].action.find("step 8"), std::string::npos);
  EXPECT_DOUBLE_EQ(advice[0].severity, 2);
}

TEST(Advice, NamesAStepThatIsNoStandInForMany) {
  const std::vector<Advice> advice = advise({adversarial(1), comparison(0.7, 0.3, 0.35), nullptr});
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_NE(advice[0].action.find("one step"), std::string::npos);
  EXPECT_NE(advice[0].evidence.find("14% of the gates"), std::string::npos) << advice[0].evidence;
  EXPECT_NE(advice[0].evidence.find("50% below"), std::string::npos);
}

TEST(Advice, AFewImagesAreNoEvidence) {
  AttackComparison few = comparison(0.7, 0.3, 0.35);
  few.own_attack.low = few.many_steps.low = 0.1;
  few.own_attack.high = few.many_steps.high = 0.9;
  EXPECT_TRUE(advise({adversarial(1), few, nullptr}).empty());
}

TEST(Advice, PutsTheMostSevereFirst) {
  TrainingRecord training = adversarial(1);
  training.watched = {{8, 0.1, 4, 3.8}};
  const std::vector<Advice> advice = advise({training, comparison(0.7, 0.2, 0.8), nullptr});
  ASSERT_EQ(advice.size(), 3U);
  EXPECT_GE(advice[0].severity, advice[1].severity);
  EXPECT_GE(advice[1].severity, advice[2].severity);
}

TEST(Advice, ComparesAttacksOnARealNetwork) {
  const TrainedSetting setting;
  const AttackComparison measured = compare_attacks(
      setting.network, setting.samples, setting.samples, *adversarial(1).attack, /*seed=*/0);
  EXPECT_GE(measured.clean.value, measured.one_step.value);
  EXPECT_GE(measured.one_step.value, measured.many_steps.value);
  EXPECT_GE(measured.loss_many_steps, measured.loss_one_step);
  EXPECT_GT(measured.gates_flipped, 0);
  ASSERT_TRUE(measured.many_steps_training);
  EXPECT_EQ(measured.many_steps_training->value, measured.many_steps.value);
  const std::vector<Advice> advice = advise({std::nullopt, measured, nullptr});
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_NE(advice[0].action.find("train adversarially"), std::string::npos);
}

// Trainings of the same images, watched from their first step.
std::vector<Advice> advice_after(double learning_rate) {
  const TrainedSetting setting;
  TrainingOptions options;
  options.epochs = 30;
  options.batch_size = 20;
  options.learning_rate = learning_rate;
  PgdOptions pgd;
  pgd.ball = {Norm::l2, 0.2};
  pgd.steps = 5;
  options.objective.attack = pgd_attack(pgd);
  DiagnosisOptions asked;
  asked.every = 20;
  asked.objective = options.objective;
  asked.momentum = options.momentum;
  Diagnosis diagnosis(setting.samples, asked);
  ArchitectureOptions architecture;
  architecture.input_shape = {20};
  architecture.hidden = {40, 30};
  architecture.classes = 6;
  TrainingHooks hooks;
  hooks.after_step = [&](const TrainingState& at, double rate) { diagnosis.after_step(at, rate); };
  const TrainingState state =
      train({make_network(architecture), {}, 0, 0, 0, {}}, setting.samples, options, hooks);
  const GradientAscent& attack = *options.objective.attack;
  return advise({TrainingRecord{attack, watched_steps(diagnosis.lines())},
                 compare_attacks(state.network, setting.samples, setting.samples, attack, 0),
                 nullptr});
}

TEST(Advice, OnARealTrainingThatIsTooFast) {
  const std::vector<Advice> advice = advice_after(1.5);
  ASSERT_FALSE(advice.empty());
  EXPECT_NE(advice[0].action.find("learning rate below"), std::string::npos) << advice[0].action;
}

TEST(Advice, OnARealTrainingThatIsHealthy) {
  for (const Advice& each : advice_after(0.02)) ADD_FAILURE() << each.action << each.evidence;
}

}  // namespace
}  // namespace reluctance
