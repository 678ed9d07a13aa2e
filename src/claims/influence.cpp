#include "reluctance/claims/influence.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "claims/dynamics_sweep.hpp"
#include "reluctance/base/shares.hpp"
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

double median_of(const Tensor& values) {
  const auto q = quantiles(values);
  return q ? q->median : std::nan("");
}

// The weakest raw strength at which the median boost passes `small_boost`, by bisection on the
// logarithm to 5%, between a ten-thousandth of `strongest` and itself.
double weak_strength(const Network& network, const Samples& samples, double strongest,
                     int64_t steps) {
  double low = 1e-4 * strongest;
  double high = strongest;
  while (high / low > 1.05) {
    const double middle = std::sqrt(low * high);
    const Tensor boost =
        compare_influence(network, samples, raw_attack(middle, steps)).measured.boost;
    (median_of(boost) >= small_boost ? high : low) = middle;
  }
  return high;
}

double share_of(const Tensor& booleans) { return booleans.to(at::kDouble).mean().item<double>(); }

InfluenceStrength summarise(const GradientAscent& attack, const InfluenceComparison& samples,
                            const Tensor& labels, std::uint64_t seed) {
  const InfluenceMeasurement& real = samples.measured;
  const Tensor right = real.predictions.eq(labels);
  const Tensor fooled = right.logical_and(real.attacked_predictions.ne(labels));
  const auto share = [&](const Tensor& weights, const Tensor& indices) {
    return concentration(weights.index_select(0, indices)).effective_share;
  };
  InfluenceStrength result{};
  result.attack = attack;
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

InfluencePoint point_of(const InfluenceComparison& samples, const Tensor& labels, int64_t i) {
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

InfluenceCloud cloud_of(double beta, const InfluenceComparison& samples, const Tensor& labels) {
  InfluenceCloud cloud{beta, {}};
  for (int64_t i = 0; i < labels.size(0); ++i) {
    cloud.points.push_back(point_of(samples, labels, i));
  }
  return cloud;
}

std::vector<InfluenceExample> most_influential(const InfluenceComparison& samples,
                                               const Samples& shown, int64_t count) {
  const InfluenceMeasurement& real = samples.measured;
  const Tensor labels = shown.labels.to(at::kCPU);
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
                        shown.images[i], real.delta[i].view(shown.images[i].sizes())});
  }
  return examples;
}

// Normalised steps have recursions of their own inside the region.
Tensor region_exact_boost(const Network& network, const LinearRegion& region, const Tensor& x,
                          const GradientAscent& attack, const Tensor& beta) {
  if (!attack.ball) return region_boost(region, region_attack(region, beta, attack.steps));
  const BallSteps ball{attack.step_size, attack.steps, attack.ball->radius, attack.pixel_box};
  return attack.ball->norm == Norm::l2
             ? region_boost(region, region_attack_l2(region, ball))
             : region_boost(network, region, region_attack_linf(network, region, x, ball));
}

// The arrays of all attacks, one row each.
NamedTensors stacked(const std::vector<GradientAscent>& attacks,
                     const std::vector<NamedTensors>& rows) {
  std::vector<double> kinds;
  for (const GradientAscent& each : attacks) {
    kinds.push_back(!each.ball ? 0 : each.ball->norm == Norm::l2 ? 1 : 2);
    kinds.push_back(strength_of(each));
  }
  NamedTensors all{{"attack", at::tensor(kinds, at::kDouble).view({-1, 2})}};
  for (std::size_t k = 0; k < rows.front().size(); ++k) {
    Tensors column;
    for (const NamedTensors& row : rows) column.push_back(row[k].second);
    all.emplace_back(rows.front()[k].first, at::stack(column));
  }
  return all;
}

Outcome judge(const InfluenceResult& result) {
  if (!result.fools_half) {
    return {Verdict::cannot_be_tested,
            "no strength up to " + std::to_string(static_cast<int>(largest_strength)) +
                " fools half of the images",
            {}};
  }
  std::vector<const InfluenceStrength*> raw;
  for (const InfluenceStrength& each : result.strengths) {
    if (!each.attack.ball) raw.push_back(&each);
  }
  const InfluenceStrength& weakest = *raw.front();
  const InfluenceStrength& strongest = *raw.back();
  double least = 1;
  for (const InfluenceStrength* each : raw) least = std::min(least, each->rank_region);
  // Ends of intervals decide; the whole interval says how surely.
  const auto from_low = [](const Interval& all) { return Interval{all.low, all.low, all.high}; };
  const auto to_high = [](const Interval& all) { return Interval{all.high, all.low, all.high}; };
  std::vector<Check> checks{
      {"least rank correlation of the region-exact boost with the measured one, over all raw "
       "strengths",
       least, Check::Relation::at_least, ranked_alike},
      {"slope of log boost over beta kappa at the weakest strength, lower end of its 95% interval",
       weakest.slope.low, Check::Relation::at_least, 0, from_low(weakest.slope)},
      {"change of the effective share of samples at the weakest strength, upper end of its 95% "
       "interval",
       weakest.change.high, Check::Relation::at_most, 0, to_high(weakest.change)},
      {"the same where half of the images are fooled", strongest.change.high,
       Check::Relation::at_most, 0, to_high(strongest.change)},
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

NamedTensors InfluenceComparison::arrays() const {
  return {{"gradient_norm_clean", measured.gradient_norm_clean},
          {"gradient_norm_adversarial", measured.gradient_norm_adversarial},
          {"boost_measured", measured.boost},
          {"boost_quadratic", boost_quadratic},
          {"boost_region", boost_region},
          {"kappa", kappa},
          {"confidence", measured.confidence},
          {"effective_beta", measured.effective_strength},
          {"gates_flipped", measured.gates_flipped}};
}

double strength_of(const GradientAscent& attack) {
  return attack.ball ? attack.ball->radius : attack.step_size * static_cast<double>(attack.steps);
}

InfluenceComparison compare_influence(const Network& network, const Samples& samples,
                                      const GradientAscent& attack, const Progress& progress) {
  if (attack.ball) {
    require_norm("the theory of influence", attack.ball->norm, {Norm::linf, Norm::l2});
  }
  const Network precise = network.to(at::kDouble);
  ProgressCounter counter(progress, samples.count());
  const auto compare = [&](int64_t begin, int64_t end) {
    const Samples part = as_inputs(precise, samples.slice(begin, end));
    const InfluenceMeasurement real = measure_influence(precise, part, attack);
    const LinearRegion region = linear_region(precise, part, attack.loss);
    const Tensor beta = real.effective_strength.to(at::kCPU);
    const QuadraticSolution quadratic = quadratic_attack(region, beta, attack.steps);
    const Tensor missing = at::full_like(beta, std::nan(""));
    Tensors all{
        real.delta,
        real.gradient_norm_clean,
        real.gradient_norm_adversarial,
        real.boost,
        beta,
        real.gates_flipped,
        real.confidence,
        real.predictions,
        real.attacked_predictions,
        at::where(quadratic.in_range, quadratic_boost(region, quadratic.coefficients), missing),
        region_exact_boost(precise, region, part.images, attack, beta),
        boost_rate(region),
        region.logits};
    for (Tensor& each : all) each = each.to(at::kCPU);
    return all;
  };
  const Tensors all = map_shares(dynamics_chunks(precise, samples.count(), &counter), compare);
  return {{all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], all[8]},
          all[9],
          all[10],
          all[11],
          all[12]};
}

InfluenceResult test_influence(const Network& network, const Samples& given,
                               const InfluenceOptions& options, const Context& context) {
  const Network precise = network.to(at::kDouble);
  const Samples samples = as_inputs(precise, given);
  const Tensor labels = samples.labels.to(at::kCPU);
  InfluenceResult result{};
  result.samples = samples.count();
  result.steps = options.steps;
  result.fooled_half_beta = strength_that_fools(precise, samples, options.steps, 0.5);
  result.fools_half = result.fooled_half_beta < largest_strength;
  const double strongest = result.fooled_half_beta;
  const double weakest = weak_strength(precise, samples, strongest, options.steps);
  std::vector<GradientAscent> attacks;
  for (int64_t k = 0; k < options.strengths; ++k) {
    const double place = static_cast<double>(k) / static_cast<double>(options.strengths - 1);
    attacks.push_back(raw_attack(weakest * std::pow(strongest / weakest, place), options.steps));
  }
  for (const double radius : options.l2) {
    attacks.push_back(plain_pgd({Norm::l2, radius}, options.steps));
  }
  for (const double radius : options.linf) {
    attacks.push_back(plain_pgd({Norm::linf, radius}, options.steps));
  }
  std::vector<NamedTensors> rows;
  for (const GradientAscent& attack : attacks) {
    const InfluenceComparison at_attack = compare_influence(precise, samples, attack);
    const auto k = static_cast<int64_t>(rows.size());
    const bool last = k + 1 == options.strengths;
    result.strengths.push_back(summarise(attack, at_attack, labels, context.seed));
    if (!attack.ball && (k == options.strengths / 3 || last)) {
      result.clouds.push_back(cloud_of(strength_of(attack), at_attack, labels));
    }
    if (last) {
      result.boost = at_attack.measured.boost;
      result.examples = most_influential(at_attack, given, options.examples);
    }
    rows.push_back(at_attack.arrays());
    if (context.progress) context.progress(k + 1, static_cast<int64_t>(attacks.size()));
  }
  result.arrays = stacked(attacks, rows);
  result.outcome = judge(result);
  return result;
}

}  // namespace reluctance
