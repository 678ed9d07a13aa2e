#include <ATen/ATen.h>

#include <cmath>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/input_spectrum.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double flatter = 0.5;       // of the curvature and of the departure from linearity
constexpr double ranked_alike = 0.8;  // of predicted and measured departures

struct Landscape {
  double curvature;  // mean top eigenvalue of the input Hessian
  double departure;  // mean |L(x + delta) - L(x) - delta . g| at the attack's end
  double rank;       // of the departure that the linear region predicts with the measured one
};

Landscape landscape(const Network& trained, const Samples& samples) {
  const Network network = trained.to(at::kDouble);
  const Samples inputs = as_inputs(network, samples);
  const Tensor& x = inputs.images;
  const Tensor& y = inputs.labels;
  const LinearRegion region = linear_region(network, inputs);
  const Tensor top = input_spectrum(region).eigenvalues.select(1, 0);
  const Tensor attacked = attacked_images(network, inputs, plain_pgd({Norm::linf, usual_linf}, 20));
  const Tensor moved = jacobian_vector(network, region.pass, attacked - x);
  const Tensor before = cross_entropy(region.pass.logits, y);
  const Tensor linear = (logit_gradient(region.pass.logits, y) * moved).sum(1);
  const Tensor departure = cross_entropy(logits(network, attacked), y) - before - linear;
  const Tensor predicted = cross_entropy(region.pass.logits + moved, y) - before - linear;
  return {top.mean().item<double>(), departure.abs().mean().item<double>(),
          rank_correlation(predicted, departure)};
}

Outcome test(Laboratory& laboratory) {
  const Samples samples = laboratory.held_out(laboratory.setting().samples);
  std::vector<double> curvature;
  std::vector<double> departure;
  std::vector<double> rank;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe recipe;
    recipe.repetition = repetition;
    const Landscape plain = landscape(laboratory.trained(recipe), samples);
    recipe.ball = {Norm::linf, usual_linf};
    const Landscape robust = landscape(laboratory.trained(recipe), samples);
    curvature.push_back(robust.curvature / plain.curvature);
    departure.push_back(robust.departure / plain.departure);
    rank.push_back(plain.rank);
  });
  return conclude({
      check("top eigenvalue of the input Hessian, mean over images, of adversarial relative to "
            "plain training",
            mean_interval(curvature), Check::Relation::at_most, flatter),
      check("departure of the loss from linearity under attack, relative to plain training",
            mean_interval(departure), Check::Relation::at_most, flatter),
      check("rank correlation of the departure that the linear region predicts with the measured "
            "one, plain training",
            mean_interval(rank), Check::Relation::at_least, ranked_alike),
  });
}

}  // namespace

EarlierFinding flatter_input_finding() {
  return {"flatter-input",
          "Adversarial training flattens the loss in input space",
          "Moosavi-Dezfooli, Fawzi, Uesato, Frossard, Robustness via Curvature Regularization, and "
          "Vice Versa, CVPR 2019; Qin et al., Adversarial Robustness through Local Linearization, "
          "NeurIPS 2019",
          "A strong attack multiplies the weight of images by exp(beta lambda), so training lowers "
          "lambda, the top eigenvalue of H_x = J^T H_z J; the loss then departs less from its "
          "linearisation.",
          {"Theorem 3", "Theorem 4"},
          "Small perceptrons trained plainly and in L-infinity 0.05; PGD of 20 steps on held-out "
          "images.",
          "Holds.",
          true,
          test};
}

}  // namespace reluctance
