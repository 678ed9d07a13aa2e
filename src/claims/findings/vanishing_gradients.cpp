#include <ATen/ATen.h>

#include <cmath>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double shrunk = 0.5;  // gradient of the margin, adversarial over plain training
constexpr double falls = 0;     // slope of its logarithm over the budget
constexpr double hidden = 0.1;  // of accuracy: what cross-entropy's attack leaves standing

constexpr double budgets[]{0, usual_linf, 2 * usual_linf};
constexpr double certainty = 100;  // times the logits
constexpr int64_t steps = 20;

// Median length of the gradient in the image of the label's logit less the strongest other one.
double margin_gradient(const Network& trained, const Samples& held_out) {
  const Network network = trained.to(at::kDouble);
  const Samples samples = as_inputs(network, held_out);
  const Tensor lengths =
      map_chunks(chunks_of(network, samples.count()), [&](int64_t begin, int64_t end) {
        const Samples part = samples.slice(begin, end);
        const Pass pass = forward(network, part.images, Keep::gates);
        const Tensor rival = other_logits(pass.logits, part.labels).argmax(1);
        const Tensor direction = margin_direction(pass.logits, part.labels, rival);
        return Tensors{vector_jacobian(network, pass, direction).flatten(1).norm(2, 1)};
      })[0];
  return lengths.median().item<double>();
}

// The network as sure of its answers as that makes it: answers and boundaries are the same.
Network surer(const Network& network) {
  Network result = network;
  result.append(affine_layer(), {at::full({}, certainty), at::zeros({})}, /*trainable=*/false);
  return result;
}

// Robust accuracy by cross-entropy's attack above that by the margin's.
double hidden_accuracy(const Network& network, const Samples& samples) {
  const auto under = [&](const Loss& loss) {
    GradientAscent attack = plain_pgd({Norm::linf, usual_linf}, steps);
    attack.loss = loss;
    return robust_accuracy(network, samples, as_attack(attack)).value;
  };
  return under(cross_entropy_loss()) - under(margin_loss());
}

Outcome test(Laboratory& laboratory) {
  const Samples held_out = laboratory.held_out();
  std::vector<double> ratios, slopes, differences;
  laboratory.repeat([&](std::uint64_t repetition) {
    std::vector<double> sizes, logarithms;
    for (const double budget : budgets) {
      Recipe recipe;
      recipe.ball = {Norm::linf, budget};
      recipe.repetition = repetition;
      const Network network = laboratory.trained(recipe);
      sizes.push_back(budget);
      logarithms.push_back(std::log(margin_gradient(network, held_out)));
      if (budget == 0) differences.push_back(hidden_accuracy(surer(network), held_out));
    }
    ratios.push_back(std::exp(logarithms[1] - logarithms[0]));
    slopes.push_back(trend(sizes, logarithms));
  });
  const auto at_most = Check::Relation::at_most;
  return conclude({
      check("gradient of the margin in the image, median, adversarial relative to plain training",
            mean_interval(ratios), at_most, shrunk),
      check("slope of its logarithm over the budgets 0, 0.05 and 0.1", mean_interval(slopes),
            at_most, falls),
      check("robust accuracy of plain training with logits times 100, by the attack on "
            "cross-entropy above that by the attack on the margin",
            mean_interval(differences), Check::Relation::at_least, hidden),
  });
}

}  // namespace

EarlierFinding vanishing_gradients_finding() {
  return {
      "vanishing-gradients",
      "Vanishing gradients make networks look robust that are not",
      "Athalye, Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018",
      "A step on the attacked image shrinks the gradient in the image, exponentially more with "
      "the attack's strength; but what an attack on cross-entropy climbs also vanishes "
      "with unconfidence alone, g_z and H_z = p (1 - p), while the margin's gradient stays and "
      "the boundary with it.",
      {"Theorem 3", "Theorem 4"},
      "Small perceptrons trained in L-infinity with budgets 0, 0.05 and 0.1; plain ones with "
      "logits times 100 under PGD of 20 steps in L-infinity 0.05 on cross-entropy and on the "
      "margin.",
      "Holds.",
      true,
      test};
}

}  // namespace reluctance
