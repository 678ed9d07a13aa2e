#include "reluctance/claims/dynamics.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "claims/dynamics_classes.hpp"
#include "claims/dynamics_sweep.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

// Fixed before any run. The theory is asked where it claims to hold, and the turn towards the top
// eigenvectors where the network still follows it.
constexpr double weak_error = 0.05;      // of the quadratic solution at the weakest strength
constexpr double region_error = 0.05;    // of the region-exact one where 1% of the gates flip
constexpr double segment_error = 0.05;   // of segments at the fooling strengths, median
constexpr double segment_worst = 0.20;   // and 90th percentile
constexpr double turned_share = 0.75;    // of the images, where 1% of the gates flip
constexpr double top_three_share = 0.5;  // of the perturbation, at the fooling strengths
constexpr double one_percent = 0.01;

double median_or(const std::optional<Quantiles>& q, double otherwise) {
  return q ? q->median : otherwise;
}

// From "barely moves", a thousandth of the gates flipped, to each image's own fooling strength,
// evenly in the logarithm.
std::vector<double> shares_of(const Network& network, const Samples& samples,
                              const Tensor& strengths, const DynamicsOptions& options) {
  double weakest = 0.1;
  for (int i = 0; i < 8; ++i) {
    const Tensor flipped =
        raw_attack_gates_flipped(network, samples, weakest * strengths, options.steps);
    if (flipped.mean().item<double>() <= 1e-3) break;
    weakest /= std::sqrt(10.0);
  }
  std::vector<double> relative;
  const auto last = static_cast<double>(options.strengths - 1);
  for (int64_t k = 0; k < options.strengths; ++k) {
    relative.push_back(std::pow(weakest, 1 - static_cast<double>(k) / last));
  }
  return relative;
}

// A statistic of one value an image, with its interval.
Check check_of(std::string what, const Tensor& values, double quantile, double at_most) {
  const Tensor finite = values.masked_select(values.isfinite());
  Check check{std::move(what), std::nan(""), Check::Relation::at_most, at_most};
  if (finite.numel() == 0) return check;
  check.interval = bootstrap(
      finite.numel(),
      [&](const Tensor& places) {
        return at::quantile(finite.index_select(0, places), quantile).item<double>();
      },
      0);
  check.value = check.interval->value;
  return check;
}

Check at_least(Check check, double threshold) {
  check.relation = Check::Relation::at_least;
  check.threshold = threshold;
  return check;
}

Outcome judge(const DynamicsResult& result) {
  if (result.fooled == 0) {
    return {Verdict::cannot_be_tested,
            result.right == 0 ? "no image is answered right"
                              : "no strength fools any image that is answered right: the gradient "
                                "vanishes or the network ignores its input",
            {}};
  }
  const auto nearest =
      std::min_element(result.sweep.begin(), result.sweep.end(), [](const auto& a, const auto& b) {
        return std::abs(std::log(std::max(a.gates_flipped_share, 1e-9) / one_percent)) <
               std::abs(std::log(std::max(b.gates_flipped_share, 1e-9) / one_percent));
      });
  const DynamicsStrength& moderate = *nearest;
  const DynamicsStrength& strongest = result.sweep.back();
  const int64_t middle = nearest - result.sweep.begin();
  const auto array = [&](const std::string& name) {
    const auto found = std::find_if(result.arrays.begin(), result.arrays.end(),
                                    [&](const auto& each) { return each.first == name; });
    return found->second;
  };
  const Tensor segments = array("error_segments")[-1];
  const Tensor top = array("top_share");
  const Tensor first = top[0].select(1, 0);
  const Tensor turned =
      top[middle].select(1, 0).gt(first).to(at::kDouble).masked_fill(first.isnan(), std::nan(""));
  std::vector<Check> checks{
      check_of("median error of the quadratic solution where the attack barely moves",
               array("error_quadratic")[0], 0.5, weak_error),
      check_of("median error of the region-exact solution where about 1% of the gates flip",
               array("error_region")[middle], 0.5, region_error),
      check_of("median error of the solution in segments, each image at its own fooling strength",
               segments, 0.5, segment_error),
      check_of("90th percentile of the same", segments, 0.9, segment_worst),
      {"share of images whose perturbation has turned towards the top eigenvector where about 1% "
       "of the gates flip",
       moderate.turned, Check::Relation::at_least, turned_share, mean_interval(turned, 0)},
      at_least(check_of("median share of the perturbation in the top three eigenvectors at the "
                        "fooling strengths",
                        top[-1].select(1, 2), 0.5, 0),
               top_three_share),
  };
  const SegmentError* used = nullptr;
  for (const SegmentError& each : result.segment_errors) {
    if (each.tolerance == result.tolerance) used = &each;
  }
  std::ostringstream summary;
  summary.precision(3);
  const double never = std::nan("");
  summary << "At their own smallest fooling strengths (" << result.fooled << " of " << result.right
          << " images that are answered right have one; the median perturbation is "
          << median_or(strongest.norm, never) << " long, and " << percent(strongest.leaves_box)
          << " of them leave the box) the solution in segments is off by "
          << percent(checks[2].value) << " (median) and " << percent(checks[3].value)
          << " (90th percentile)";
  if (used) {
    summary << ", with " << used->segments << " segments, " << used->forward << " forward and "
            << used->backward << " backward passes an image where the attack takes " << result.steps
            << " of either";
  }
  summary << "; one region is off by " << percent(median_or(strongest.region.error, never))
          << ", and the top three eigenvectors hold " << percent(checks[5].value)
          << " of the perturbation. Where " << percent(moderate.gates_flipped_share)
          << " of the gates flip, one region is off by " << percent(checks[1].value)
          << " and the quadratic solution by "
          << percent(median_or(moderate.quadratic.error, never)) << ".";
  if (result.left_out > 0) {
    summary << " The theory leaves out " << result.left_out
            << " classes, which hold less than 1e-6 of the probability.";
  }
  const Verdict verdict = verdict_of(checks);
  return {verdict, summary.str(), std::move(checks)};
}

std::vector<DynamicsExample> pick_examples(const Network& network, const Samples& samples,
                                           const Tensor& strengths,
                                           const DynamicsOptions& options) {
  // The first image of each class that can be fooled, as they come; no choice by error.
  const Tensor labels = samples.labels.to(at::kCPU);
  std::vector<DynamicsExample> examples;
  std::vector<bool> shown(static_cast<std::size_t>(network.classes()), false);
  for (int64_t i = 0; i < samples.count(); ++i) {
    if (static_cast<int64_t>(examples.size()) == options.examples) break;
    const auto label = labels[i].item<int64_t>();
    const auto beta = strengths[i].item<double>();
    if (shown[static_cast<std::size_t>(label)] || !std::isfinite(beta)) continue;
    shown[static_cast<std::size_t>(label)] = true;
    const DynamicsComparison one =
        compare_dynamics(network, samples.slice(i, i + 1), strengths.slice(0, i, i + 1), options);
    const Tensor& image = samples.images[i];
    const auto shaped = [&](const Tensor& delta) { return delta.view(image.sizes()); };
    const bool in_range = one.quadratic_in_range.item<bool>();
    const Tensor attacked = image + shaped(one.delta_real[0]).to(image.device());
    examples.push_back(
        {i, label, label, logits(network, attacked.unsqueeze(0)).argmax(1).item<int64_t>(), beta,
         one.gates_flipped.item<double>(), one.error_quadratic().item<double>(),
         one.error_region().item<double>(), image, shaped(one.delta_real[0]),
         in_range ? shaped(one.delta_quadratic[0]) : Tensor(), shaped(one.delta_region[0])});
  }
  return examples;
}

// Arrays of some samples as those of all: NaN for the others.
NamedTensors spread(const NamedTensors& arrays, const Tensor& places, int64_t count) {
  NamedTensors all;
  for (const auto& [name, values] : arrays) {
    const bool of_all = name == "relative";
    const int64_t axis = name == "strength" ? 0 : 1;
    Shape shape = values.sizes().vec();
    if (!of_all) shape[static_cast<std::size_t>(axis)] = count;
    Tensor wide = at::full(shape, std::nan(""), at::kDouble);
    all.emplace_back(name, of_all ? values : wide.index_copy_(axis, places, values));
  }
  return all;
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

DynamicsComparison compare_dynamics(const Network& network, const Samples& given,
                                    const Tensor& beta, const DynamicsOptions& options,
                                    const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Samples samples = as_inputs(precise, given);
  const Followed followed = followed_classes(precise, samples, options);
  const int64_t steps = options.steps;
  ProgressCounter counter(progress, samples.count());
  const auto compare = [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = samples.slice(begin, end);
    const Samples asked = followed.samples.slice(begin, end);
    const LinearRegion region = linear_region(followed.network, asked);
    const Tensor own = beta.slice(0, begin, end);
    const QuadraticSolution quadratic = quadratic_attack(region, own, steps);
    const Tensor exact = region_attack(region, own, steps);
    const RawAttackResult real = measure_raw_attack(precise, part, own, steps);
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
      map_shares(dynamics_chunks(followed.network, samples.count(), &counter), compare);
  return {all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], followed.left_out};
}

DynamicsResult test_dynamics(const Network& network, const Samples& given,
                             const DynamicsOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Samples all = as_inputs(precise, given);
  const Tensor strengths = fooling_strengths(precise, all, options.steps);
  const Tensor places = strengths.isfinite().nonzero().squeeze(1);
  const Tensor own = strengths.index_select(0, places);
  const Samples samples = all.rows(places.to(all.labels.device()));
  DynamicsResult result{};
  if (samples.count() > 0) {
    const std::vector<double> relative = shares_of(precise, samples, own, options);
    const Followed followed = followed_classes(precise, samples, options);
    result = sweep_dynamics(precise, {samples, followed, own, relative}, options, progress);
    result.left_out = followed.left_out;
    result.arrays = spread(result.arrays, places, all.count());
    result.examples = pick_examples(precise, all, strengths, options);
  }
  result.samples = all.count();
  result.steps = options.steps;
  result.right = correct(precise, all).sum().item<int64_t>();
  result.fooled = samples.count();
  for (DynamicsExample& example : result.examples)
    example.clean = example.clean.view(given.images[0].sizes());
  result.outcome = judge(result);
  return result;
}

}  // namespace reluctance
