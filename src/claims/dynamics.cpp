#include "reluctance/claims/dynamics.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "claims/dynamics_sweep.hpp"
#include "reluctance/base/chunks.hpp"
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
std::vector<double> strengths(const Network& network, const Tensor& x, const Tensor& labels,
                              const DynamicsOptions& options, double strongest) {
  double weakest = strongest / 10;
  for (int i = 0; i < 8; ++i) {
    const Tensor flipped = raw_attack_gates_flipped(network, x, labels, weakest, options.steps);
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

std::string percent(double share) {
  std::ostringstream text;
  text.precision(share < 0.1 ? 2 : 3);
  text << 100 * share << "%";
  return text.str();
}

Finding judge(const DynamicsResult& result) {
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
  const Verdict verdict = verdict_of(checks);
  return {verdict, summary.str(), std::move(checks)};
}

std::vector<DynamicsExample> pick_examples(const Network& network, const Tensor& images,
                                           const Tensor& labels, double beta,
                                           const DynamicsOptions& options) {
  // The first fooled image of each class, as they come; no choice by error.
  const Tensor before = logits(network, images).argmax(1);
  std::vector<DynamicsExample> examples;
  std::vector<bool> shown(static_cast<std::size_t>(network.classes()), false);
  for (int64_t i = 0; i < images.size(0); ++i) {
    if (static_cast<int64_t>(examples.size()) == options.examples) break;
    const auto label = labels[i].item<int64_t>();
    if (shown[static_cast<std::size_t>(label)] || before[i].item<int64_t>() != label) continue;
    const Tensor x = images.slice(0, i, i + 1);
    const Tensor y = labels.slice(0, i, i + 1);
    const DynamicsSamples one = compare_dynamics(network, x, y, beta, options.steps);
    if (!one.fooled.item<bool>()) continue;
    shown[static_cast<std::size_t>(label)] = true;
    const auto shaped = [&](const Tensor& delta) { return delta.view(images[i].sizes()); };
    const auto error = [&](const Tensor& delta) {
      return ((delta - one.delta_real).norm() / one.delta_real.norm()).item<double>();
    };
    const bool in_range = one.quadratic_in_range.item<bool>();
    const Tensor attacked = images[i] + shaped(one.delta_real[0]).to(images.device());
    examples.push_back(
        {i, label, label, logits(network, attacked.unsqueeze(0)).argmax(1).item<int64_t>(),
         one.gates_flipped.item<double>(), in_range ? error(one.delta_quadratic) : std::nan(""),
         error(one.delta_region), images[i], shaped(one.delta_real[0]),
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

DynamicsSamples compare_dynamics(const Network& network, const Tensor& images, const Tensor& labels,
                                 double beta, int64_t steps, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const int64_t samples = images.size(0);
  const int64_t classes = network.classes();
  const auto doubles = at::TensorOptions().dtype(at::kDouble);
  const auto booleans = at::TensorOptions().dtype(at::kBool);
  DynamicsSamples all{at::empty({samples, classes}, doubles),
                      at::empty({samples, classes - 1}, doubles),
                      at::empty({samples, network.inputs()}, doubles),
                      at::empty({samples, network.inputs()}, doubles),
                      at::empty({samples}, booleans),
                      at::empty({samples, network.inputs()}, doubles),
                      at::empty({samples}, doubles),
                      at::empty({samples}, booleans)};
  ProgressCounter counter(progress, samples);
  const auto compare = [&](int64_t begin, int64_t end) {
    if (interrupt_requested()) return;
    const Tensor x = as_inputs(precise, images.slice(0, begin, end));
    const Tensor y = labels.slice(0, begin, end).to(x.device());
    const LinearRegion region = linear_region(precise, x);
    const QuadraticSolution quadratic = quadratic_attack(region, y, beta, steps);
    const Tensor exact = region_attack(region, y, beta, steps);
    const RawAttackResult real = measure_raw_attack(precise, x, y, beta, steps);
    const auto put = [&](Tensor& target, const Tensor& part) {
      target.slice(0, begin, end).copy_(part.reshape_as(target.slice(0, begin, end)));
    };
    put(all.logits, region.logits);
    put(all.eigenvalues, input_spectrum(region, y).eigenvalues);
    put(all.delta_real, real.delta);
    put(all.delta_quadratic, perturbation(precise, region, quadratic.coefficients));
    put(all.quadratic_in_range, quadratic.in_range);
    put(all.delta_region, perturbation(precise, region, exact));
    put(all.gates_flipped, real.gates_flipped);
    put(all.fooled, region.pass.logits.argmax(1).eq(y).logical_and(real.predictions.ne(y)));
    counter.add(end - begin);
  };
  for_each_chunk(network.device(), samples, dynamics_chunk(network), compare);
  check_interrupt();
  return all;
}

DynamicsResult test_dynamics(const Network& network, const Tensor& images, const Tensor& targets,
                             const DynamicsOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Tensor x = as_inputs(precise, images);
  const Tensor labels = targets.to(x.device());
  DynamicsResult result{};
  result.samples = x.size(0);
  result.steps = options.steps;
  result.sweep_segments = options.segments;
  result.fooled_half_beta = strength_that_fools(precise, x, labels, options.steps, 0.5);
  result.fools_half = result.fooled_half_beta < largest_strength;
  const std::vector<double> betas = strengths(precise, x, labels, options, result.fooled_half_beta);
  sweep_dynamics(precise, x, labels, betas, options, result, progress);
  result.examples = pick_examples(precise, x, labels, result.fooled_half_beta, options);
  for (DynamicsExample& example : result.examples)
    example.clean = example.clean.view(images[0].sizes());
  result.finding = judge(result);
  return result;
}

}  // namespace reluctance
