#include <ATen/ATen.h>

#include <cmath>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double grows = 0;  // slopes over the budget
constexpr double strengthened = 1;
constexpr double displacement = 0.01;  // of the parameters' length, to scatter gradients

// Cosine of the training gradients at the network and beside it.
double gradient_cosine(const Network& trained, const Samples& samples, const Ball& ball,
                       std::uint64_t seed) {
  const Network network = trained.to(at::kDouble);
  const Samples inputs = as_inputs(network, samples);
  Objective objective;
  if (ball.radius > 0) objective.attack = plain_pgd(ball, 10);
  const Tensor parameters = network.flat_parameters();
  const Tensor random = at::randn(parameters.sizes(), make_generator(seed), at::kDouble);
  const Tensor step = random * (displacement * parameters.norm() / random.norm());
  const auto gradient = [&](const Network& at_network) {
    return batch_gradient(at_network, inputs, objective).flat();
  };
  const Tensor here = gradient(network);
  const Tensor beside = gradient(network.displaced(step));
  return (here.dot(beside) / (here.norm() * beside.norm())).item<double>();
}

Outcome test(Laboratory& laboratory) {
  const std::vector<double> budgets{0, 0.5, 1.0, 1.5};
  const Samples samples = laboratory.training(500);
  std::vector<double> sharpening;
  std::vector<double> scattering;
  std::vector<double> felt;
  laboratory.repeat([&](std::uint64_t repetition) {
    std::vector<double> curvatures;
    std::vector<double> cosines;
    Recipe recipe;
    recipe.repetition = repetition;
    const Network plain = laboratory.trained(recipe);
    for (const double budget : budgets) {
      recipe.ball = {Norm::l2, budget};
      const Network network = laboratory.trained(recipe);
      curvatures.push_back(std::log(largest_curvature(network, samples, recipe.ball)));
      cosines.push_back(gradient_cosine(network, samples, recipe.ball,
                                        derive_seed(laboratory.setting().seed, {repetition})));
    }
    sharpening.push_back(trend(budgets, curvatures));
    scattering.push_back(trend(budgets, cosines));
    felt.push_back(largest_curvature(plain, samples, {Norm::l2, usual_l2}) /
                   largest_curvature(plain, samples, {Norm::l2, 0}));
  });
  return conclude({
      check("slope of the log largest curvature in the parameters over the L2 budget trained with",
            mean_interval(sharpening), Check::Relation::at_least, grows),
      check("slope of the cosine of gradients 1% apart over that budget", mean_interval(scattering),
            Check::Relation::at_most, grows),
      check("largest curvature under attack, relative to none, at the same plain weights",
            mean_interval(felt), Check::Relation::at_least, strengthened),
  });
}

}  // namespace

EarlierFinding sharper_weights_finding() {
  return {
      "sharper-weights",
      "Adversarial training sharpens the loss in weight space and scatters its gradients, more "
      "with the budget",
      "Liu, Salzmann, Lin, Tomioka, Suesstrunk, On the Loss Landscape of Adversarial Training: "
      "Identifying Challenges and How to Overcome Them, NeurIPS 2020",
      "At an attacked image C_eff = H_tt + H_tx S H_xt, S positive semidefinite and growing with "
      "the budget: where the attack has settled, following it adds "
      "curvature to that at the attacked image.",
      {"Theorem 6"},
      "Small perceptrons trained in L2 with budgets 0, 0.5, 1.0 and 1.5; curvature and gradients "
      "over 500 training images.",
      "Holds.",
      true,
      test};
}

}  // namespace reluctance
