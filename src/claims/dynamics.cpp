#include "reluctance/claims/dynamics.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "claims/dynamics_classes.hpp"
#include "claims/dynamics_sweep.hpp"
#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"
#include "reluctance/theory/segments.hpp"

namespace reluctance {
namespace {

// Fixed before any run. The theory is asked where it claims to hold, and the turn towards the top
// eigenvectors where the network still follows it.
constexpr double weak_error = 0.05;      // of the quadratic solution at the weakest strength
constexpr double region_error = 0.05;    // of the region-exact one where 1% of the gates flip
constexpr double segment_error = 0.10;   // of eight segments where half of the images are fooled
constexpr double turned_share = 0.75;    // of the images, where 1% of the gates flip
constexpr double top_three_share = 0.5;  // of the perturbation, where half of the images are fooled
constexpr double one_percent = 0.01;

double median_or(const std::optional<Quantiles>& q, double otherwise) {
  return q ? q->median : otherwise;
}

// From "barely moves", a thousandth of the gates flipped, to "fools half", evenly in the logarithm.
std::vector<double> strengths(const Network& network, const Samples& samples,
                              const DynamicsOptions& options, double strongest) {
  double weakest = strongest / 10;
  for (int i = 0; i < 8; ++i) {
    const Tensor flipped = raw_attack_gates_flipped(network, samples, weakest, options.steps);
    if (flipped.mean().item<double>() <= 1e-3) break;
    weakest /= std::sqrt(10.0);
  }
  std::vector<double> betas;
  const auto last = static_cast<double>(options.strengths - 1);
  for (int64_t k = 0; k < options.strengths; ++k) {
    betas.push_back(weakest * std::pow(strongest / weakest, static_cast<double>(k) / last));
  }
  return betas;
}

Outcome judge(const DynamicsResult& result) {
  if (!result.fools_half) {
    return {Verdict::cannot_be_tested,
            "no strength up to " + std::to_string(static_cast<int>(largest_strength)) +
                " fools half of the images: the gradient vanishes or the network ignores its input",
            {}};
  }
  const DynamicsStrength& weakest = result.sweep.front();
  const DynamicsStrength& strongest = result.sweep.back();
  const DynamicsStrength& moderate =
      *std::min_element(result.sweep.begin(), result.sweep.end(), [](const auto& a, const auto& b) {
        return std::abs(std::log(std::max(a.gates_flipped_share, 1e-9) / one_percent)) <
               std::abs(std::log(std::max(b.gates_flipped_share, 1e-9) / one_percent));
      });
  const double never = std::nan("");  // an error that could not be computed passes no check
  const auto at_most = Check::Relation::at_most;
  const auto at_least = Check::Relation::at_least;
  std::vector<Check> checks{
      {"median error of the quadratic solution where the attack barely moves",
       median_or(weakest.quadratic.error, never), at_most, weak_error},
      {"median error of the region-exact solution where about 1% of the gates flip",
       median_or(moderate.region.error, never), at_most, region_error},
      {"median error of the solution in segments where half of the images are fooled",
       median_or(strongest.segments.error, never), at_most, segment_error},
      {"share of images whose perturbation has turned towards the top eigenvector where about 1% "
       "of "
       "the gates flip",
       moderate.turned, at_least, turned_share},
      {"median share of the perturbation in the top three eigenvectors where half of the images "
       "are "
       "fooled",
       median_or(strongest.top_share_real[2], never), at_least, top_three_share},
  };
  std::ostringstream summary;
  summary << "Where " << percent(moderate.gates_flipped_share)
          << " of the gates flip, the region-exact solution is off by " << percent(checks[1].value)
          << " and the quadratic one by " << percent(median_or(moderate.quadratic.error, never))
          << " (medians); where half of the images are fooled, eight segments are off by "
          << percent(checks[2].value) << "; the top three eigenvectors then hold "
          << percent(checks[4].value) << " of the perturbation.";
  if (result.left_out > 0) {
    summary << " The theory leaves out " << result.left_out
            << " classes, which hold less than 1e-6 of the probability.";
  }
  const Verdict verdict = verdict_of(checks);
  return {verdict, summary.str(), std::move(checks)};
}

std::vector<DynamicsExample> pick_examples(const Network& network, const Samples& samples,
                                           double beta, const DynamicsOptions& options) {
  // The first fooled image of each class, as they come; no choice by error.
  const Tensor& images = samples.images;
  const Tensor& labels = samples.labels;
  const Tensor before = logits(network, images).argmax(1);
  std::vector<DynamicsExample> examples;
  std::vector<bool> shown(static_cast<std::size_t>(network.classes()), false);
  for (int64_t i = 0; i < images.size(0); ++i) {
    if (static_cast<int64_t>(examples.size()) == options.examples) break;
    const auto label = labels[i].item<int64_t>();
    if (shown[static_cast<std::size_t>(label)] || before[i].item<int64_t>() != label) continue;
    const DynamicsComparison one =
        compare_dynamics(network, samples.slice(i, i + 1), beta, options);
    if (!one.fooled.item<bool>()) continue;
    shown[static_cast<std::size_t>(label)] = true;
    const auto shaped = [&](const Tensor& delta) { return delta.view(images[i].sizes()); };
    const bool in_range = one.quadratic_in_range.item<bool>();
    const Tensor attacked = images[i] + shaped(one.delta_real[0]).to(images.device());
    examples.push_back(
        {i, label, label, logits(network, attacked.unsqueeze(0)).argmax(1).item<int64_t>(),
         one.gates_flipped.item<double>(), one.error_quadratic().item<double>(),
         one.error_region().item<double>(), images[i], shaped(one.delta_real[0]),
         in_range ? shaped(one.delta_quadratic[0]) : Tensor(), shaped(one.delta_region[0])});
  }
  return examples;
}

}  // namespace

Claim dynamics_claim() {
  return {
      "dynamics", 1, "Perturbations follow the top eigenvectors of the input Hessian",
      "The perturbation that a multi-step attack makes on a ReLU network has an analytic "
      "solution. It strengthens the eigenvectors of a few top eigenvalues of the Hessian of the "
      "loss with respect to the input, exponentially in the strength of the attack.",
      "Cheng, Zhang, Xin, Shen, Ren, Zhang: Why Adversarial Training of ReLU Networks Is "
      "Difficult? arXiv 2205.15130, 2022"};
}

Tensor DynamicsComparison::error_quadratic() const {
  const Tensor error = (delta_quadratic - delta_real).norm(2, 1) / delta_real.norm(2, 1);
  return error.masked_fill(quadratic_in_range.logical_not(), std::nan(""));
}

Tensor DynamicsComparison::error_region() const {
  return (delta_region - delta_real).norm(2, 1) / delta_real.norm(2, 1);
}

NamedTensors DynamicsComparison::arrays() const {
  return {{"logits", logits},
          {"eigenvalues", eigenvalues},
          {"delta_real", delta_real},
          {"delta_quadratic", delta_quadratic},
          {"quadratic_in_range", quadratic_in_range},
          {"delta_region", delta_region},
          {"gates_flipped", gates_flipped}};
}

DynamicsComparison compare_dynamics(const Network& network, const Samples& given, double beta,
                                    const DynamicsOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Samples samples = as_inputs(precise, given);
  const Followed followed = followed_classes(precise, samples, options);
  const int64_t steps = options.steps;
  ProgressCounter counter(progress, samples.count());
  const auto compare = [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = samples.slice(begin, end);
    const Samples asked = followed.samples.slice(begin, end);
    const LinearRegion region = linear_region(followed.network, asked);
    const QuadraticSolution quadratic = quadratic_attack(region, beta, steps);
    const Tensor exact = region_attack(region, beta, steps);
    const RawAttackResult real = measure_raw_attack(precise, part, beta, steps);
    const Tensor right = region.pass.logits.argmax(1).eq(asked.labels);
    return {region.logits,
            input_spectrum(region).eigenvalues,
            real.delta.flatten(1),
            perturbation(followed.network, region, quadratic.coefficients).flatten(1),
            quadratic.in_range,
            perturbation(followed.network, region, exact).flatten(1),
            real.gates_flipped.to(at::kCPU),
            right.logical_and(real.predictions.ne(part.labels)).to(at::kCPU)};
  };
  const Tensors all =
      map_chunks(dynamics_chunks(followed.network, samples.count(), &counter), compare);
  return {all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], followed.left_out};
}

DynamicsResult test_dynamics(const Network& network, const Samples& given,
                             const DynamicsOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Samples samples = as_inputs(precise, given);
  const Followed followed = followed_classes(precise, samples, options);
  const double strongest = strength_that_fools(precise, samples, options.steps, 0.5);
  const std::vector<double> betas = strengths(precise, samples, options, strongest);
  DynamicsResult result = sweep_dynamics({precise, samples, followed}, betas, options, progress);
  result.left_out = followed.left_out;
  result.fooled_half_beta = strongest;
  result.fools_half = strongest < largest_strength;
  result.examples = pick_examples(precise, samples, strongest, options);
  for (DynamicsExample& example : result.examples)
    example.clean = example.clean.view(given.images[0].sizes());
  result.outcome = judge(result);
  return result;
}

}  // namespace reluctance
