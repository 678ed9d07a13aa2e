#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// The first two fixed before any run, the slope's and the budgets after one (docs/findings.md).
constexpr double collapse = 0.1;    // accuracy under the step trained on above that under PGD
constexpr double more_flips = 1.5;  // of single-step relative to multi-step training
constexpr double rises = 0;         // slope of that difference over the gates flipped

constexpr double budgets[]{0.05, 0.1, 0.2};

struct Linearity {
  double difference;  // accuracy under one step minus accuracy under PGD
  double flipped;     // share of gates that the step flips
};

Linearity linearity(const Network& network, const Samples& samples, const Ball& ball) {
  const GradientAscent step = fgsm_attack(ball.radius, /*random_start=*/false);
  const Share under_step = robust_accuracy(network, samples, as_attack(step));
  const Tensor attacked = attacked_images(network, samples, step);
  const Pass before = forward(network, samples.images, Keep::gates);
  const Pass after = forward(network, attacked, Keep::gates);
  return {under_step.value - robust_share(network, samples, ball),
          gates_flipped(network, before, after).mean().item<double>()};
}

Outcome test(Laboratory& laboratory) {
  const Samples held_out = laboratory.held_out();
  std::vector<double> difference;
  std::vector<double> flips;
  std::vector<double> slopes;
  laboratory.repeat([&](std::uint64_t repetition) {
    std::vector<double> all_flips;
    std::vector<double> all_differences;
    for (const double budget : budgets) {
      Recipe recipe;
      recipe.hidden = {128, 128};
      recipe.ball = {Norm::linf, budget};
      recipe.epochs = 20;
      recipe.repetition = repetition;
      const Linearity multi = linearity(laboratory.trained(recipe), held_out, recipe.ball);
      recipe.single_step = true;
      const Linearity single = linearity(laboratory.trained(recipe), held_out, recipe.ball);
      all_flips.push_back(single.flipped / multi.flipped);
      all_differences.push_back(single.difference - multi.difference);
    }
    difference.push_back(all_differences.back());
    flips.push_back(all_flips.back());
    slopes.push_back(trend(all_flips, all_differences));
  });
  const auto at_least = Check::Relation::at_least;
  return conclude({
      check(
          "accuracy under one step above that under PGD of 20 steps, single-step minus multi-step "
          "training, budget 0.2",
          mean_interval(difference), at_least, collapse),
      check("gates that the step flips, relative to multi-step training, budget 0.2",
            mean_interval(flips), at_least, more_flips),
      check(
          "slope of that difference over the gates flipped, relative to multi-step training, over "
          "the budgets 0.05, 0.1 and 0.2",
          mean_interval(slopes), at_least, rises),
  });
}

}  // namespace

EarlierFinding single_step_finding() {
  return {"single-step",
          "Single-step training overfits catastrophically when local linearity breaks",
          "Wong, Rice, Kolter, Fast is Better than Free, ICLR 2020; Andriushchenko, Flammarion, "
          "Understanding and Improving Fast Adversarial Training, NeurIPS 2020",
          "One step stands for the whole attack while the signs of the gradient stay, and gates "
          "that flip change them: more of them flip where single-step training fails.",
          {"Assumption 1", "Theorem 1"},
          "Perceptrons trained in L-infinity 0.05, 0.1 and 0.2 by the fast gradient sign method "
          "without random "
          "start and by PGD of 5 steps.",
          "Open: catastrophic overfitting is known from deep networks on colour images. (The first "
          "design had the budget 0.1 alone, where nothing collapsed.)",
          true,
          test};
}

}  // namespace reluctance
