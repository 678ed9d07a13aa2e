#include <ATen/ATen.h>

#include <cmath>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double sharper = 1;  // adversarial relative to plain curvature
constexpr double grows = 0;    // slope over the budget
constexpr double formula_error = 0.01;

// The two classes whose mean images are closest, relabelled 0 and 1.
Samples closest_pair(const Samples& all, int64_t classes) {
  const Tensor flat = all.images.flatten(1).to(at::kDouble);
  double least = INFINITY;
  int64_t first = 0;
  int64_t second = 1;
  Tensors means;
  for (int64_t k = 0; k < classes; ++k) {
    const Tensor of_class = all.labels.eq(k).nonzero().squeeze(1);
    means.push_back(flat.index_select(0, of_class).mean(0));
    for (int64_t j = 0; j < k; ++j) {
      const auto distance =
          (means[static_cast<std::size_t>(j)] - means.back()).norm().item<double>();
      if (!(distance < least)) continue;
      least = distance;
      first = j;
      second = k;
    }
  }
  const Tensor kept = all.labels.eq(first).logical_or(all.labels.eq(second)).nonzero().squeeze(1);
  Samples pair = all.rows(kept);
  pair.labels = pair.labels.eq(second).to(at::kLong);
  return pair;
}

// Largest eigenvalue of the Hessian of mean softplus(-m + epsilon ||w||), the adversarial loss of
// logistic regression with margins m = t (w . x + b), w.r.t. both rows of weights and both biases:
// twice that w.r.t. their difference (w, b).
double closed_form(const Network& network, const Samples& samples, double epsilon) {
  const Tensors parameters = network.parameters();
  const Tensor w = parameters[0][1].flatten() - parameters[0][0].flatten();
  const Tensor b = parameters[1][1] - parameters[1][0];
  const Tensor x = as_inputs(network, samples.images).flatten(1);
  const Tensor t = (2 * samples.labels - 1).to(at::kDouble);
  const Tensor length = w.norm();
  const Tensor unit = w / length;
  const Tensor u = -t * (at::mv(x, w) + b) + epsilon * length;
  const Tensor p = at::sigmoid(u);
  const Tensor one = at::ones({x.size(0), 1}, at::kDouble);
  Tensor slopes = -t.unsqueeze(1) * at::cat({x, one}, 1);
  slopes.slice(1, 0, x.size(1)).add_(epsilon * unit);
  const auto n = static_cast<double>(x.size(0));
  Tensor hessian = at::mm(slopes.t() * (p * (1 - p)), slopes) / n;
  const Tensor across = (at::eye(x.size(1), at::kDouble) - at::outer(unit, unit)) / length;
  hessian.slice(0, 0, x.size(1)).slice(1, 0, x.size(1)).add_(epsilon * p.mean() * across);
  return 2 * at::linalg_eigvalsh(hessian).max().item<double>();
}

// The same by the theory of effective curvature.
double predicted(const Network& network, const Samples& samples, double epsilon) {
  GradientAscent attack = plain_pgd({Norm::l2, epsilon}, 10);
  attack.pixel_box = false;
  const FeltCurvature felt(network, as_inputs(network, samples), {cross_entropy_loss(), attack});
  return largest_eigenvalue(felt.effective());
}

Outcome test(Laboratory& laboratory) {
  if (laboratory.setting().classes < 2) return {Verdict::cannot_be_tested, "one class only", {}};
  const std::vector<double> budgets{0.25, 0.5, 1.0};
  const Samples all = laboratory.training(5000);
  // The closed form is a dense matrix.
  constexpr int64_t most_pixels = 4096;
  if (all.images.numel() / all.count() > most_pixels) {
    return {Verdict::cannot_be_tested, "needs images of at most 4,096 values", {}};
  }
  const Samples samples = closest_pair(all, laboratory.setting().classes);
  std::vector<double> ratio;
  std::vector<double> slope;
  std::vector<double> error;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe recipe;
    recipe.hidden = {};
    recipe.classes = 2;
    recipe.repetition = repetition;
    const Network network = laboratory.trained_on(samples, recipe).to(at::kDouble);
    const double plain = closed_form(network, samples, 0);
    double least = INFINITY;
    double off = 0;
    std::vector<double> logs;
    for (const double budget : budgets) {
      const double exact = closed_form(network, samples, budget);
      least = std::min(least, exact / plain);
      off = std::max(off, std::abs(predicted(network, samples, budget) / exact - 1));
      logs.push_back(std::log(exact));
    }
    ratio.push_back(least);
    slope.push_back(trend(budgets, logs));
    error.push_back(off);
  });
  return conclude({
      check("largest curvature of the adversarial loss relative to the plain one's, least over the "
            "budgets",
            mean_interval(ratio), Check::Relation::at_least, sharper),
      check("slope of its logarithm over the L2 budget", mean_interval(slope),
            Check::Relation::at_least, grows),
      check(
          "relative error of the effective curvature's largest eigenvalue against the closed form",
          mean_interval(error), Check::Relation::at_most, formula_error),
  });
}

}  // namespace

EarlierFinding logistic_regression_finding() {
  return {"logistic-regression",
          "The weight landscape is sharper already in logistic regression",
          "Yamada, Kanai, Iwata, Takahashi, Yamanaka, Takahashi, Kumagai, Adversarial Training "
          "Makes Weight Loss Landscape Sharper in "
          "Logistic Regression, arXiv 2102.02950, 2021",
          "With two classes the adversarial loss is softplus(-m + epsilon ||w||): its Hessian is "
          "known in closed form, and C_eff must equal it.",
          {"Theorem 6"},
          "Logistic regression between the two classes whose mean images are closest; L2 budgets "
          "0.25, 0.5 and 1.0 at the same plainly trained weights, no pixel box.",
          "Holds.",
          true,
          test};
}

}  // namespace reluctance
