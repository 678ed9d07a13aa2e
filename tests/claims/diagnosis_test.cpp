// Diagnosing a training that is too fast, and one that is not.
#include "reluctance/claims/diagnosis.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

struct Training {
  Network start = networks_in_double()[1].network;  // linear
  Samples samples;

  Training() {
    at::manual_seed(6);
    const Tensor images = random_input(start, 40);
    samples = Samples(images, at::randint(start.classes(), {40}, at::kLong));
  }

  std::vector<nlohmann::json> lines_at(double rate, const Objective& objective = {}) const {
    TrainingOptions options;
    options.epochs = 60;  // full batch: a step an epoch
    options.batch_size = 40;
    options.learning_rate = rate;
    options.momentum = 0;
    options.weight_decay = 0;
    options.schedule = Schedule::constant;
    options.objective = objective;
    DiagnosisOptions asked;
    asked.every = 20;
    asked.objective = objective;
    Diagnosis diagnosis(samples, asked);
    TrainingHooks hooks;
    hooks.after_step = [&](const TrainingState& at, double r) { diagnosis.after_step(at, r); };
    train({start, {}, 0, 0, 0, {}}, samples, options, hooks);
    std::vector<nlohmann::json> lines;
    std::istringstream text(diagnosis.lines());
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

TEST(Diagnosis, TellsARateAboveTheCriticalOneFromOneBelow) {
  const Training training;
  const auto calm = training.lines_at(0.1);
  ASSERT_EQ(calm.size(), 8u);  // after 1, 2, 4, 8, 16, 20, 40 and 60 steps
  EXPECT_EQ(calm[4]["step"], 16);
  EXPECT_EQ(calm[7]["step"], 60);
  EXPECT_DOUBLE_EQ(calm[7]["critical"].get<double>(), 2);
  EXPECT_LT(calm[7]["rate_times_curvature"]["effective"].get<double>(), 1);
  EXPECT_EQ(calm[7]["opposed"].get<double>(), 0);
  const double critical = calm[0]["critical_rate"].get<double>();
  // Softmax regression flattens where its updates overshoot, so it is asked well above.
  const auto wild = training.lines_at(2 * critical);
  EXPECT_GT(wild[7]["opposed"].get<double>(), 0.5);
  EXPECT_LT(wild[7]["cosine"].get<double>(), 0);
  EXPECT_GT(wild[7]["sign_flips"][0].get<double>(), 0.5);
  EXPECT_GT(wild[7]["seconds"].get<double>(), 0);
}

TEST(Diagnosis, AdversarialTrainingFeelsMore) {
  PgdOptions pgd;
  pgd.ball = {Norm::l2, 0.3};
  pgd.steps = 5;
  const auto lines = Training().lines_at(0.1, {cross_entropy_loss(), pgd_attack(pgd)});
  const auto& curvature = lines[6]["rate_times_curvature"];
  EXPECT_GT(curvature["effective"].get<double>(), curvature["hessian_adversarial"].get<double>());
}

// Between sign flips the Hessian at attacked images is all there is, and of no use: what counts is
// the secant curvature of swings as wide as training's.
TEST(Diagnosis, UnderAnLInfinityAttackTheRateOfSwingsIsTold) {
  const Objective objective{cross_entropy_loss(), plain_pgd({Norm::linf, 0.1}, 5)};
  const Training training;
  const auto calm = training.lines_at(0.1, objective);
  const auto& curvature = calm[0]["rate_times_curvature"];
  EXPECT_NE(curvature["effective"].get<double>(), curvature["hessian_adversarial"].get<double>());
  EXPECT_EQ(calm[7]["opposed"].get<double>(), 0);
  const auto wild = training.lines_at(2 * calm[0]["critical_rate"].get<double>(), objective);
  EXPECT_GT(wild[7]["opposed"].get<double>(), 0.5);
  EXPECT_GT(wild[7]["sign_flips"][0].get<double>(), 0.5);
}

TEST(Diagnosis, BrokenLinesAreLeftOut) {
  const std::string good =
      R"({"step":8,"learning_rate":0.1,"rate_times_curvature":{"effective":3},"critical":2})";
  const std::string lines =
      good + "\nbroken\n[1]\n{\"step\":1}\n" +
      R"({"step":8,"learning_rate":0.1,"rate_times_curvature":[3],"critical":2})" + "\n" +
      R"({"step":8,"learning_rate":0.1,"rate_times_curvature":{"effective":3},"critical":0})" +
      "\n" +
      R"({"step":8,"learning_rate":0.1,"rate_times_curvature":{"effective":3},"critical":null})";
  const std::vector<WatchedStep> steps = watched_steps(lines);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].step, 8);
  EXPECT_EQ(steps[0].rate_times_curvature, 3);
}

TEST(Diagnosis, GoesOnFromTheLinesOfAnEarlierRun) {
  const Training training;
  DiagnosisOptions asked;
  Diagnosis diagnosis(training.samples, asked);
  TrainingState state{training.start, {}, 200, 0, 0, {}};
  const std::string deep(100000, '[');
  diagnosis.resume("{\"step\":100}\n{\"step\":200}\nbroken\n{\"step\":300}\n" + deep + "\n", state);
  EXPECT_EQ(diagnosis.lines(), "{\"step\":100}\n{\"step\":200}\n");
  EXPECT_TRUE(watched_steps(deep + std::string(100000, ']')).empty());
  state.followed = {{"counters", at::zeros({2}, at::kLong)}};
  EXPECT_THROW(diagnosis.resume("", state), Error);
}

// An interrupt while a question is answered: the step is saved, and the question is asked again.
TEST(Diagnosis, AnInterruptedQuestionIsAskedAgain) {
  const Training training;
  TrainingOptions options;
  options.epochs = 6;  // full batch: a step an epoch
  options.batch_size = 40;
  DiagnosisOptions asked;
  asked.every = 2;
  const auto watched = [&](Diagnosis& diagnosis, const TrainingState& from, int64_t stop) {
    TrainingHooks hooks;
    TrainingState last = from;
    hooks.checkpoint = [&](const TrainingState& at) {
      last = at;
      last.network = at.network.clone();
      for (Tensor& each : last.velocity) each = each.clone();
      last.followed = diagnosis.followed();
    };
    hooks.after_step = [&](const TrainingState& at, double rate) {
      if (at.step == stop) request_interrupt();
      diagnosis.after_step(at, rate);
    };
    try {
      train(from, training.samples, options, hooks);
    } catch (const Interrupted&) {
      clear_interrupt();
    }
    return last;
  };
  const auto numbers = [](const Diagnosis& diagnosis) {
    std::vector<nlohmann::json> lines;
    std::istringstream text(diagnosis.lines());
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
      lines.back().erase("seconds");
    }
    return lines;
  };
  const TrainingState start{training.start, {}, 0, 0, 0, {}};
  Diagnosis whole(training.samples, asked);
  const TrainingState end = watched(whole, start, 0);
  ASSERT_EQ(numbers(whole).size(), 4U);  // after 1, 2, 4 and 6 steps
  for (const int64_t stop : {1, 4, 6}) {
    Diagnosis first(training.samples, asked);
    const TrainingState stopped = watched(first, start, stop);
    EXPECT_EQ(stopped.step, stop);
    Diagnosis second(training.samples, asked);
    // Whoever was killed after catching up, and before the next checkpoint, left such a line.
    second.resume(first.lines() + "{\"step\":" + std::to_string(stop) + "}\n", stopped);
    EXPECT_EQ(second.lines(), first.lines());
    EXPECT_TRUE(second.catch_up(stopped));
    EXPECT_FALSE(second.catch_up(stopped));
    const TrainingState again = watched(second, stopped, 0);
    EXPECT_EQ(numbers(second), numbers(whole));
    EXPECT_EQ(again.metrics, end.metrics);
  }
}

}  // namespace
}  // namespace reluctance
