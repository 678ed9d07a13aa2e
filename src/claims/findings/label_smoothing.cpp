#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/linear_region.hpp"

namespace reluctance {
namespace {

// Fixed before any run: everything relative to hard labels.
constexpr double flatter = 1;  // mean tr K
constexpr double softer = 1;   // mean tr H_z
constexpr double gain = 0;     // of robust accuracy
constexpr double smoothing = 0.1;

const Ball ball{Norm::linf, usual_linf};

struct Sizes {
  double jacobian, unconfidence;  // mean tr K, mean tr H_z
};

Sizes sizes(const Network& network, const Samples& samples) {
  const LinearRegion region = linear_region(network, as_inputs(network, samples));
  const Tensor p = at::softmax(region.logits, 1);
  return {region.gram.diagonal(0, 1, 2).sum(1).mean().item<double>(),
          (p * (1 - p)).sum(1).mean().item<double>()};
}

Outcome test(Laboratory& laboratory) {
  const Samples held_out = laboratory.held_out();
  const Samples few = laboratory.held_out(laboratory.setting().samples);
  std::vector<double> jacobian;
  std::vector<double> unconfidence;
  std::vector<double> robust;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe recipe;
    recipe.ball = ball;
    recipe.repetition = repetition;
    const Network hard = laboratory.trained(recipe);
    recipe.label_smoothing = smoothing;
    const Network soft = laboratory.trained(recipe);
    const Sizes before = sizes(hard, few);
    const Sizes after = sizes(soft, few);
    jacobian.push_back(after.jacobian / before.jacobian);
    unconfidence.push_back(after.unconfidence / before.unconfidence);
    robust.push_back(robust_share(soft, held_out, ball) - robust_share(hard, held_out, ball));
  });
  return conclude({
      check("mean squared length of the logit gradients, tr K, relative to hard labels",
            mean_interval(jacobian), Check::Relation::at_most, flatter),
      check("mean unconfidence, tr H_z, relative to hard labels", mean_interval(unconfidence),
            Check::Relation::at_least, softer),
      check("robust accuracy gained by smoothing labels by 0.1", mean_interval(robust),
            Check::Relation::at_least, gain),
  });
}

}  // namespace

EarlierFinding label_smoothing_finding() {
  return {
      "label-smoothing",
      "Label smoothing and lower confidence change robustness",
      "Pang, Yang, Dong, Su, Zhu, Bag of Tricks for Adversarial Training, ICLR 2021",
      "Smoothed labels bound the logits: the logit gradients (K) shorten and H_z grows, and the "
      "attack's growth exp(beta lambda) is their product.",
      {"Lemma 1", "Theorem 2"},
      "Small perceptrons trained in L-infinity 0.05 with label smoothing 0 and 0.1.",
      "K and H_z: hold. Robust accuracy: a small gain, within the uncertainty.",
      true,
      test};
}

}  // namespace reluctance
