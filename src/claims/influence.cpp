#include "reluctance/claims/influence.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "claims/dynamics_sweep.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/theory/boost.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double ranked_alike = 0.9;  // of predicted and measured boosts, at every raw strength
constexpr double small_boost = 1.05;  // the median boost at the weakest strength

// Attacks that the theory can follow: no random start.
Attack ball_attack(Norm norm, double radius, int64_t steps) {
  PgdOptions options;
  options.ball = {norm, radius};
  options.steps = steps;
  options.random_start = false;
  return pgd_attack(options);
}

double median_of(const Tensor& values) {
  const auto q = quantiles(values);
  return q ? q->median : std::nan("");
}

// The weakest raw strength at which the median boost passes `small_boost`, by bisection on the
// logarithm to 5%, between a ten-thousandth of `strongest` and itself.
double weak_strength(const Network& network, const Tensor& x, const Tensor& labels,
                     double strongest, int64_t steps) {
  double low = 1e-4 * strongest;
  double high = strongest;
  while (high / low > 1.05) {
    const double middle = std::sqrt(low * high);
    const InfluenceSamples at = compare_influence(network, x, labels, raw_attack(middle, steps));
    (median_of(at.measured.boost) >= small_boost ? high : low) = middle;
  }
  return high;
}

double share_of(const Tensor& booleans) { return booleans.to(at::kDouble).mean().item<double>(); }

InfluenceStrength summarise(const std::string& name, double strength, const Attack& attack,
                            const InfluenceSamples& samples, const Tensor& labels,
                            std::uint64_t seed) {
  const InfluenceMeasurement& real = samples.measured;
  const Tensor right = real.predictions.eq(labels);
  const Tensor fooled = right.logical_and(real.attacked_predictions.ne(labels));
  const auto share = [&](const Tensor& weights, const Tensor& indices) {
    return concentration(weights.index_select(0, indices)).effective_share;
  };
  InfluenceStrength result{};
  result.attack = name;
  result.strength = strength;
  result.description = attack.description;
  result.fooled = share_of(fooled) / std::max(share_of(right), 1e-300);
  result.gates_flipped_share = real.gates_flipped.mean().item<double>();
  result.effective_beta = quantiles(real.effective_strength);
  result.boost_measured = quantiles(real.boost);
  result.boost_quadratic = quantiles(samples.boost_quadratic);
  result.boost_region = quantiles(samples.boost_region);
  result.outside_range = share_of(samples.boost_quadratic.isnan());
  result.rank_quadratic = rank_correlation(samples.boost_quadratic, real.boost);
  result.rank_region = rank_correlation(samples.boost_region, real.boost);
  result.slope = slope(real.effective_strength * samples.kappa, real.boost.log(), seed);
  result.clean = concentration(real.gradient_norm_clean);
  result.adversarial = concentration(real.gradient_norm_adversarial);
  result.change = bootstrap(
      labels.size(0),
      [&](const Tensor& indices) {
        return share(real.gradient_norm_adversarial, indices) -
               share(real.gradient_norm_clean, indices);
      },
      seed);
  result.regime = result.change.high < 0  ? Regime::concentrates
                  : result.change.low > 0 ? Regime::evens_out
                                          : Regime::unchanged;
  return result;
}

InfluencePoint point_of(const InfluenceSamples& samples, const Tensor& labels, int64_t i) {
  const auto value = [i](const Tensor& values) { return values[i].item<double>(); };
  return {labels[i].item<int64_t>(),
          value(samples.measured.confidence),
          value(samples.kappa),
          value(samples.measured.boost),
          value(samples.boost_quadratic),
          value(samples.boost_region),
          value(samples.measured.gradient_norm_clean),
          value(samples.measured.gradient_norm_adversarial)};
}

InfluenceCloud cloud_of(double beta, const InfluenceSamples& samples, const Tensor& labels) {
  InfluenceCloud cloud{beta, {}};
  for (int64_t i = 0; i < labels.size(0); ++i) {
    cloud.points.push_back(point_of(samples, labels, i));
  }
  return cloud;
}

std::vector<InfluenceExample> most_influential(const InfluenceSamples& samples,
                                               const Tensor& images, const Tensor& labels,
                                               int64_t count) {
  const InfluenceMeasurement& real = samples.measured;
  const auto ranks = [](const Tensor& norms) {
    return norms.argsort(0, true).argsort(0, false) + 1;
  };
  const Tensor rank_clean = ranks(real.gradient_norm_clean);
  const Tensor rank_adversarial = ranks(real.gradient_norm_adversarial);
  const Tensor order = real.gradient_norm_adversarial.argsort(0, /*descending=*/true);
  std::vector<InfluenceExample> examples;
  for (int64_t k = 0; k < std::min(count, labels.size(0)); ++k) {
    const auto i = order[k].item<int64_t>();
    examples.push_back({i, real.predictions[i].item<int64_t>(),
                        real.attacked_predictions[i].item<int64_t>(), point_of(samples, labels, i),
                        rank_clean[i].item<int64_t>(), rank_adversarial[i].item<int64_t>(),
                        images[i], real.delta[i].view(images[i].sizes())});
  }
  return examples;
}

std::string percent(double share) {
  std::ostringstream text;
  text.precision(3);
  text << 100 * share << "%";
  return text.str();
}

// Normalised steps have recursions of their own inside the region.
Tensor region_exact_boost(const Network& network, const LinearRegion& region, const Tensor& x,
                          const Tensor& labels, const Attack& attack, const Tensor& beta) {
  if (!attack.ball) {
    return region_boost(region, labels, region_attack(region, labels, beta, attack.steps));
  }
  const double radius = attack.ball->radius;
  if (attack.ball->norm == Norm::l2) {
    return region_boost(region, labels,
                        region_attack_l2(region, labels, attack.step_size, attack.steps, radius));
  }
  return region_boost(network, region, labels,
                      region_attack_linf(network, region, x, labels, attack.step_size, attack.steps,
                                         radius, attack.pixel_box));
}

Finding judge(const InfluenceResult& result) {
  if (!result.fools_half) {
    return {Verdict::cannot_be_tested,
            "no strength up to " + std::to_string(static_cast<int>(largest_strength)) +
                " fools half of the images",
            {}};
  }
  std::vector<const InfluenceStrength*> raw;
  for (const InfluenceStrength& each : result.strengths) {
    if (each.attack == "raw") raw.push_back(&each);
  }
  const InfluenceStrength& weakest = *raw.front();
  const InfluenceStrength& strongest = *raw.back();
  double least = 1;
  for (const InfluenceStrength* each : raw) least = std::min(least, each->rank_region);
  std::vector<Check> checks{
      {"least rank correlation of the region-exact boost with the measured one, over all raw "
       "strengths",
       least, Check::Relation::at_least, ranked_alike},
      {"slope of log boost over beta kappa at the weakest strength, lower end of its 95% interval",
       weakest.slope.low, Check::Relation::at_least, 0},
      {"change of the effective share of samples at the weakest strength, upper end of its 95% "
       "interval",
       weakest.change.high, Check::Relation::at_most, 0},
      {"the same where half of the images are fooled", strongest.change.high,
       Check::Relation::at_most, 0},
  };
  const Verdict verdict = verdict_of(checks);
  const auto regime = [](const InfluenceStrength& at) {
    return to_string(at.regime) + " (effective share " + percent(at.clean.effective_share) +
           " before, " + percent(at.adversarial.effective_share) + " after)";
  };
  std::ostringstream summary;
  summary.precision(3);
  summary
      << "The region-exact boost ranks the samples as the attack does (" << least
      << " or more at every strength). Influence " << regime(weakest)
      << " under the weakest attack and " << regime(strongest)
      << " where half of the images are fooled: "
      << (strongest.regime == Regime::concentrates
              ? "the growing regime, in which few samples come to rule."
          : strongest.regime == Regime::evens_out
              ? "the saturated regime, in which the attack lifts every sample to the ceiling of "
                "the cross-entropy."
              : "neither regime clearly.");
  return {verdict, summary.str(), std::move(checks)};
}

}  // namespace

std::string to_string(Regime regime) {
  switch (regime) {
    case Regime::concentrates:
      return "concentrates";
    case Regime::evens_out:
      return "evens out";
    case Regime::unchanged:
      break;
  }
  return "unchanged";
}

Claim influence_claim() {
  return {"influence", 2, "Attacks boost unconfident samples with large gradients",
          "Compared with vanilla training, adversarial training strengthens the influence of "
          "unconfident samples with large gradient norms, exponentially in the strength of the "
          "attack.",
          dynamics_claim().source};
}

InfluenceSamples compare_influence(const Network& network, const Tensor& images,
                                   const Tensor& labels, const Attack& attack,
                                   const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const int64_t samples = images.size(0);
  std::vector<InfluenceSamples> parts(static_cast<std::size_t>(samples));
  ProgressCounter counter(progress, samples);
  for_each_chunk(
      network.device(), samples, dynamics_chunk(precise), [&](int64_t begin, int64_t end) {
        if (interrupt_requested()) return;
        const Tensor x = as_inputs(precise, images.slice(0, begin, end));
        const Tensor y = labels.slice(0, begin, end).to(precise.device());
        InfluenceSamples& part = parts[static_cast<std::size_t>(begin)];
        part.measured = measure_influence(precise, x, y, attack);
        for (Tensor* each : {&part.measured.delta, &part.measured.gradient_norm_clean,
                             &part.measured.gradient_norm_adversarial, &part.measured.boost,
                             &part.measured.effective_strength, &part.measured.gates_flipped,
                             &part.measured.confidence, &part.measured.predictions,
                             &part.measured.attacked_predictions}) {
          *each = each->to(at::kCPU);
        }
        const LinearRegion region = linear_region(precise, x);
        const Tensor& beta = part.measured.effective_strength;
        const QuadraticSolution quadratic = quadratic_attack(region, y, beta, attack.steps);
        part.boost_region = region_exact_boost(precise, region, x, y, attack, beta);
        part.boost_quadratic =
            at::where(quadratic.in_range, quadratic_boost(region, y, quadratic.coefficients),
                      at::full_like(part.boost_region, std::nan("")));
        part.kappa = boost_rate(region, y);
        part.logits = region.logits;
        counter.add(end - begin);
      });
  check_interrupt();
  const auto joined = [&](const auto& field) {
    Tensors list;
    for (const InfluenceSamples& part : parts) {
      if (part.kappa.defined()) list.push_back(field(part));
    }
    return at::cat(list);
  };
  const auto measured = [&](Tensor InfluenceMeasurement::*field) {
    return joined([field](const InfluenceSamples& part) { return part.measured.*field; });
  };
  const auto predicted = [&](Tensor InfluenceSamples::*field) {
    return joined([field](const InfluenceSamples& part) { return part.*field; });
  };
  return {
      {measured(&InfluenceMeasurement::delta), measured(&InfluenceMeasurement::gradient_norm_clean),
       measured(&InfluenceMeasurement::gradient_norm_adversarial),
       measured(&InfluenceMeasurement::boost), measured(&InfluenceMeasurement::effective_strength),
       measured(&InfluenceMeasurement::gates_flipped), measured(&InfluenceMeasurement::confidence),
       measured(&InfluenceMeasurement::predictions),
       measured(&InfluenceMeasurement::attacked_predictions)},
      predicted(&InfluenceSamples::boost_quadratic),
      predicted(&InfluenceSamples::boost_region),
      predicted(&InfluenceSamples::kappa),
      predicted(&InfluenceSamples::logits)};
}

InfluenceResult test_influence(const Network& network, const Tensor& images, const Tensor& labels,
                               const InfluenceOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Tensor x = as_inputs(precise, images);
  const Tensor on_device = labels.to(precise.device());
  InfluenceResult result{};
  result.samples = x.size(0);
  result.steps = options.steps;
  result.fooled_half_beta = strength_that_fools(precise, x, on_device, options.steps, 0.5);
  result.fools_half = result.fooled_half_beta < largest_strength;
  const double strongest = result.fooled_half_beta;
  const double weakest = weak_strength(precise, x, labels, strongest, options.steps);
  const auto balls = static_cast<int64_t>(options.l2.size() + options.linf.size());
  int64_t done = 0;
  const auto run = [&](const std::string& name, double strength, const Attack& attack) {
    InfluenceSamples samples = compare_influence(precise, x, labels, attack);
    result.strengths.push_back(
        summarise(name, strength, attack, samples, labels.to(at::kCPU), options.seed));
    if (progress) progress(++done, options.strengths + balls);
    return samples;
  };
  for (int64_t k = 0; k < options.strengths; ++k) {
    const double place = static_cast<double>(k) / static_cast<double>(options.strengths - 1);
    const double beta = weakest * std::pow(strongest / weakest, place);
    const InfluenceSamples samples = run("raw", beta, raw_attack(beta, options.steps));
    const bool last = k + 1 == options.strengths;
    if (k == options.strengths / 3 || last) {
      result.clouds.push_back(cloud_of(beta, samples, labels.to(at::kCPU)));
    }
    if (!last) continue;
    result.boost = samples.measured.boost;
    result.examples = most_influential(samples, images, labels.to(at::kCPU), options.examples);
  }
  for (const double radius : options.l2) {
    run("l2", radius, ball_attack(Norm::l2, radius, options.steps));
  }
  for (const double radius : options.linf) {
    run("linf", radius, ball_attack(Norm::linf, radius, options.steps));
  }
  result.finding = judge(result);
  return result;
}

}  // namespace reluctance
