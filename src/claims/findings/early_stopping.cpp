#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/measure/influence.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double lost = 0.02;  // robust accuracy at the best time above that at the end
constexpr double fewer = 0.8;  // share of the images that carry the gradient, end over best time
constexpr int64_t images = 1000;
constexpr int64_t times[]{5, 10, 15, 20, 30, 40, 60};  // epochs

const Ball ball{Norm::linf, usual_linf};

// Share of the training images that carry the gradient under attack.
double carrying(const Network& trained, const Samples& samples) {
  const Network network = trained.to(at::kDouble);
  const auto norms = [&](int64_t begin, int64_t end) {
    const Samples part = as_inputs(network, samples.slice(begin, end));
    return Tensors{measure_influence(network, part, plain_pgd(ball, 10)).gradient_norm_adversarial};
  };
  return concentration(map_chunks(chunks_of(network, samples.count()), norms)[0]).effective_share;
}

struct Stopped {
  double gained;   // robust accuracy at the best time above that at the end
  double carried;  // share of the images that carry the gradient, at the end over the best time
};

// The best time is chosen by one half of the held-out images, and what it is worth asked of the
// other.
Stopped stopped(const Laboratory& laboratory, const Recipe& recipe) {
  const Samples samples = laboratory.training(images);
  const Samples held_out = laboratory.held_out(2 * images);
  const int64_t half = held_out.count() / 2;
  const Samples choosing = held_out.slice(0, half), judging = held_out.slice(half, 2 * half);
  TrainingState state = laboratory.start_of(recipe);
  TrainingOptions options = laboratory.options_of(recipe);
  options.schedule = Schedule::constant;
  double best = -1, judged = 0;
  Network then = state.network;
  for (const int64_t epochs : times) {
    options.epochs = epochs;
    state = train(state, samples, options);
    const double chosen = robust_share(state.network, choosing, ball);
    if (chosen <= best) continue;
    best = chosen;
    judged = robust_share(state.network, judging, ball);
    then = state.network;
  }
  return {judged - robust_share(state.network, judging, ball),
          carrying(state.network, samples) / carrying(then, samples)};
}

Outcome test(Laboratory& laboratory) {
  std::vector<double> gained, carried;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe recipe;
    recipe.ball = ball;
    recipe.weight_decay = 0;
    recipe.repetition = repetition;
    const Stopped found = stopped(laboratory, recipe);
    gained.push_back(found.gained);
    carried.push_back(found.carried);
  });
  return conclude({
      check("held-out robust accuracy at the best time above that after 60 epochs",
            mean_interval(gained), Check::Relation::at_least, lost),
      check("share of the training images that carry the gradient under attack, after 60 epochs "
            "relative to the best time",
            mean_interval(carried), Check::Relation::at_most, fewer),
  });
}

}  // namespace

EarlierFinding early_stopping_finding() {
  return {
      "early-stopping",
      "Stopping early makes up for robust overfitting",
      "Rice, Wong, Kolter, Overfitting in Adversarially Robust Deep Learning, ICML 2020",
      "An attack boosts each image's part in a step by exp(A), and once most are fitted the few "
      "that are not have nearly all of it: what goes on being learnt is theirs alone.",
      {"Theorem 4", "Theorem 5"},
      "Small perceptrons trained on 1,000 images in L-infinity 0.05 at a constant rate, without "
      "weight decay, for up to 60 epochs; the best of seven times chosen by other held-out "
      "images than it is judged by.",
      "Both hold.",
      true,
      test};
}

}  // namespace reluctance
