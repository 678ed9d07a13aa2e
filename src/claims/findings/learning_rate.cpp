#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double stricter = 1;  // critical rate of plain over adversarial training
constexpr double more = 0;      // each of the differences

const Ball ball{Norm::linf, usual_linf};

double share_of(const Network& network, const Samples& samples, const Ball& trained_in) {
  return trained_in.radius > 0 ? robust_share(network, samples, trained_in)
                               : clean_share(network, samples);
}

// Share of the accuracy at the usual rate that four times it loses. A training that diverges has
// lost all.
double loss_at_high_rate(Laboratory& laboratory, Recipe recipe) {
  const auto accuracy = [&](double rate) {
    recipe.learning_rate = rate;
    return share_of(laboratory.trained(recipe), laboratory.held_out(), recipe.ball);
  };
  const double usual = accuracy(0.05);
  try {
    return 1 - accuracy(0.2) / usual;
  } catch (const Diverged&) {
    return 1;
  }
}

// Accuracy that the mean of the weights over the second half of a training of constant rate has
// above the weights at its end.
double gain_of_averaging(const Laboratory& laboratory, const Recipe& recipe) {
  const Samples samples = laboratory.training(recipe.images);
  TrainingOptions options = laboratory.options_of(recipe);
  options.schedule = Schedule::constant;
  const int64_t half = total_steps(options, samples.count()) / 2;
  Tensor sum;
  int64_t count = 0;
  TrainingHooks hooks;
  hooks.after_step = [&](const TrainingState& now, double) {
    if (now.step <= half) return;
    const Tensor parameters = now.network.flat_parameters();
    sum = sum.defined() ? sum.add_(parameters) : parameters;
    ++count;
  };
  const TrainingState state = train(laboratory.start_of(recipe), samples, options, hooks);
  const Tensor mean = sum / static_cast<double>(count);
  const Network averaged = state.network.displaced(mean - state.network.flat_parameters());
  const Samples held_out = laboratory.held_out();
  return share_of(averaged, held_out, recipe.ball) - share_of(state.network, held_out, recipe.ball);
}

// Robust accuracy gained when the budget reaches its size in three stages, at constant rate.
double gain_of_small_budgets(const Laboratory& laboratory, const Recipe& recipe) {
  const Samples samples = laboratory.training(recipe.images);
  const auto trained = [&](const std::vector<double>& shares) {
    TrainingState state = laboratory.start_of(recipe);
    for (std::size_t stage = 0; stage < shares.size(); ++stage) {
      Recipe now = recipe;
      now.ball.radius *= shares[stage];
      TrainingOptions options = laboratory.options_of(now);
      options.schedule = Schedule::constant;
      options.epochs =
          recipe.epochs * static_cast<int64_t>(stage + 1) / static_cast<int64_t>(shares.size());
      state = train(state, samples, options);
    }
    return robust_share(state.network, laboratory.held_out(), recipe.ball);
  };
  return trained({0.25, 0.5, 0.75, 1, 1}) - trained({1, 1, 1, 1, 1});
}

Outcome test(Laboratory& laboratory) {
  std::vector<double> rates;
  std::vector<double> losses;
  std::vector<double> averaging;
  std::vector<double> budgets;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe plain;
    plain.repetition = repetition;
    Recipe robust = plain;
    robust.ball = ball;
    const Samples few = laboratory.training(500);
    const Network network = laboratory.trained(plain);
    rates.push_back(largest_curvature(network, few, {Norm::l2, 1.0}) /
                    largest_curvature(network, few, {Norm::l2, 0}));
    losses.push_back(loss_at_high_rate(laboratory, robust) - loss_at_high_rate(laboratory, plain));
    averaging.push_back(gain_of_averaging(laboratory, robust) -
                        gain_of_averaging(laboratory, plain));
    budgets.push_back(gain_of_small_budgets(laboratory, robust));
  });
  const auto at_least = Check::Relation::at_least;
  return conclude({
      check(
          "critical learning rate of plain training over that in L2 1.0, at the same plain weights",
          mean_interval(rates), at_least, stricter),
      check("share of its accuracy that training loses at rate 0.2 against 0.05, adversarial minus "
            "plain",
            mean_interval(losses), at_least, more),
      check("accuracy gained by averaging the weights, adversarial minus plain",
            mean_interval(averaging), at_least, more),
      check("robust accuracy gained by smaller budgets early", mean_interval(budgets), at_least,
            more),
  });
}

}  // namespace

EarlierFinding learning_rate_finding() {
  return {
      "learning-rate",
      "Adversarial training is sensitive to the learning rate, and gains from weight averaging "
      "and smaller early budgets",
      "Pang, Yang, Dong, Su, Zhu, Bag of Tricks for Adversarial Training, ICLR 2021; Chen, Zhang, "
      "Liu, Chang, Wang, Robust Overfitting May Be Mitigated by Properly Learned Smoothening, ICLR "
      "2021; Liu et al., On the Loss Landscape of Adversarial Training, NeurIPS 2020",
      "The critical rate is 2 / lambda_max(C_eff), expected to be lower than plain "
      "training's; averaging takes "
      "out the oscillation along the top eigenvectors.",
      {"Theorem 6"},
      "Small perceptrons at rates 0.05 and 0.2, their averaged weights, and budgets that grow in "
      "stages; L-infinity 0.05.",
      "Rates and averaging: hold. Early budgets: open.",
      true,
      test};
}

}  // namespace reluctance
