#include "reluctance/claims/curvature.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>

#include "claims/dynamics_sweep.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/claims/attack_response.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/measure/statistics.hpp"
#include "reluctance/train/critical_rate.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double vanilla_rate_error = 0.10;
constexpr double adversarial_rate_error = 0.15;
constexpr double few_samples = 0.10;  // of the batch, to hold half of the top eigenvalue

// A batch in float64 and what training does with it.
struct Batch {
  Network network;
  Tensor images, labels;
};

std::string name_of(double radius) {
  if (radius == 0) return "vanilla";
  std::ostringstream text;
  text << "l2, epsilon " << radius;
  return text.str();
}

std::optional<Attack> attack_of(double radius, const CurvatureOptions& options) {
  if (radius == 0) return std::nullopt;
  PgdOptions pgd;
  pgd.ball = {Norm::l2, radius};
  pgd.steps = options.attack_steps;
  pgd.random_start = false;
  return pgd_attack(pgd);
}

FollowedAttack followed_attack(const Batch& batch, const std::optional<Attack>& attack) {
  return attack ? follow_attack(batch.network, batch.images, batch.labels, *attack)
                : FollowedAttack{batch.images, std::nullopt};
}

Carriers carriers_of(double eigenvalue, const Tensor& curvatures) {
  const auto samples = static_cast<double>(curvatures.size(0));
  const Tensor shares = curvatures / (samples * eigenvalue);
  const Tensor sums = std::get<0>(shares.sort(0, /*descending=*/true)).cumsum(0);
  const int64_t half = sums.lt(0.5).sum().item<int64_t>() + 1;
  return {eigenvalue, std::min(half, curvatures.size(0)), shares};
}

Tensor boosts(const Batch& batch, const Tensor& attacked) {
  const auto lengths = [&](const Tensor& x) {
    return logit_gradient(logits(batch.network, x), batch.labels).norm(2, 1);
  };
  return (lengths(attacked) / lengths(batch.images)).to(at::kCPU);
}

// The samples that hold half of the top eigenvalue, and as many that the attack boosts most.
CurvatureOverlap overlap_of(const Carriers& carriers, const Tensor& boost) {
  const int64_t count = carriers.half;
  const Tensor carrying = carriers.shares.argsort(0, true).slice(0, 0, count);
  const Tensor boosted = boost.argsort(0, true).slice(0, 0, count);
  const Tensor both = carrying.unsqueeze(1).eq(boosted.unsqueeze(0));
  const auto n = static_cast<double>(boost.size(0));
  return {count, both.sum().item<int64_t>(), static_cast<double>(count * count) / n};
}

std::vector<CarrierExample> examples_of(const Carriers& carriers, const Batch& batch,
                                        const Tensor& images, int64_t count) {
  const Tensor order = carriers.shares.argsort(0, /*descending=*/true);
  const Tensor answers = logits(batch.network, batch.images).argmax(1).to(at::kCPU);
  std::vector<CarrierExample> examples;
  for (int64_t k = 0; k < std::min(count, order.size(0)); ++k) {
    const auto i = order[k].item<int64_t>();
    examples.push_back({i, batch.labels[i].item<int64_t>(), answers[i].item<int64_t>(),
                        carriers.shares[i].item<double>(), images[i]});
  }
  return examples;
}

CurvatureCondition condition_of(const Batch& batch, const Tensor& shown, double radius,
                                const CurvatureOptions& options, SpectralDensity* density,
                                const std::function<void()>& advance) {
  const std::optional<Attack> attack = attack_of(radius, options);
  const FollowedAttack followed = followed_attack(batch, attack);
  const Tensor& attacked = followed.attacked;
  const auto samples =
      std::make_shared<CurvatureSamples>(batch.network, attacked, batch.labels, options.memory);
  EigenpairOptions pairs;
  pairs.count = options.top;
  pairs.tolerance = options.tolerance;
  pairs.seed = options.seed;
  const Tensor after = logits(batch.network, attacked);
  const Tensor right = logits(batch.network, batch.images).argmax(1).eq(batch.labels);
  const Tensor fallen = right.logical_and(after.argmax(1).ne(batch.labels));
  CurvatureCondition result{};
  result.name = name_of(radius);
  result.epsilon = radius;
  if (attack) result.attack = attack->description;
  result.fooled = fallen.sum().item<double>() / std::max(1.0, right.sum().item<double>());
  result.loss = cross_entropy(after, batch.labels).mean().item<double>();
  result.smooth = 1;
  const LinearOperator hessian = loss_hessian(samples);
  result.hessian = top_eigenpairs(hessian, pairs);
  advance();
  result.gauss_newton = top_eigenpairs(gauss_newton(samples), pairs);
  result.trace = estimate_trace(hessian, options.trace_probes, options.seed);
  advance();
  std::optional<EffectiveCurvature> effective;
  if (attack) {
    effective.emplace(samples, *followed.response, options.memory);
    result.effective = top_eigenpairs(effective->matrix(), pairs);
    result.smooth = effective->smooth().to(at::kDouble).mean().item<double>();
  } else if (density) {
    *density =
        spectral_density(hessian, options.density_probes, options.density_steps, options.seed);
  }
  const Eigenpairs& felt = result.effective ? *result.effective : result.hessian;
  for (int64_t k = 0; k < felt.values.size(0); ++k) {
    const Tensor v = felt.vectors[k];
    result.carriers.push_back(
        carriers_of(felt.values[k].item<double>(),
                    effective ? effective->sample_curvatures(v) : sample_curvatures(*samples, v)));
  }
  advance();
  if (!result.carriers.empty()) {
    if (attack) result.overlap = overlap_of(result.carriers[0], boosts(batch, attacked));
    result.examples = examples_of(result.carriers[0], batch, shown, options.examples);
  }
  return result;
}

// Full-batch training from the batch's network, at half of the rate that the Hessian bears.
Network settle(const Batch& batch, const std::optional<Attack>& attack, double largest,
               int64_t steps) {
  Network network = batch.network.clone();
  for (int64_t step = 0; step < steps; ++step) {
    const Tensors gradient = batch_gradient(network, batch.images, batch.labels, attack).parameters;
    Tensors parameters = network.parameters();
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      parameters[k].sub_(gradient[k], 1 / largest);
    }
  }
  return network;
}

void add_rates(const Batch& batch, const CurvatureCondition& condition,
               const CurvatureOptions& options, CurvatureResult& result,
               const std::function<void()>& advance) {
  const std::optional<Attack> attack = attack_of(condition.epsilon, options);
  for (const int64_t settled : options.settled) {
    Batch there = batch;
    double hessian = condition.hessian.values[0].item<double>();
    double felt = condition.effective ? condition.effective->values[0].item<double>() : hessian;
    if (settled > 0) {
      there.network = settle(batch, attack, hessian, settled);
      const FollowedAttack followed = followed_attack(there, attack);
      const auto samples = std::make_shared<CurvatureSamples>(there.network, followed.attacked,
                                                              batch.labels, options.memory);
      EigenpairOptions one;
      one.count = 1;
      one.tolerance = options.tolerance;
      hessian = felt = top_eigenpairs(loss_hessian(samples), one).values[0].item<double>();
      if (attack) {
        const EffectiveCurvature effective(samples, *followed.response, options.memory);
        felt = top_eigenpairs(effective.matrix(), one).values[0].item<double>();
      }
    }
    for (const double momentum : options.momenta) {
      if (attack && momentum != options.momenta.front()) continue;
      CriticalRateOptions measured;
      measured.attack = attack;
      measured.momentum = momentum;
      measured.seed = options.seed;
      const double numerator = 2 * (1 + momentum);
      result.rates.push_back(
          {condition.name, condition.epsilon, settled, momentum, numerator / hessian,
           numerator / felt,
           measured_critical_rate(there.network, batch.images, batch.labels, measured)});
      advance();
    }
  }
}

Finding judge(const CurvatureResult& result) {
  const CurvatureCondition& vanilla = result.conditions.front();
  const auto largest = [](const Eigenpairs& pairs) { return pairs.values[0].item<double>(); };
  if (vanilla.carriers.empty() || !(largest(vanilla.hessian) > 0)) {
    return {
        Verdict::cannot_be_tested, "the loss does not curve in the parameters at these images", {}};
  }
  double strengthened = std::nan("");
  double added = std::nan("");
  for (const CurvatureCondition& each : result.conditions) {
    if (!each.effective) continue;
    strengthened = std::fmin(strengthened, largest(*each.effective) / largest(vanilla.hessian));
    added = std::fmin(added, largest(*each.effective) / largest(each.hessian));
  }
  double vanilla_error = 0;
  double adversarial_error = 0;
  double hardest = 0;  // the radius at which the rate is furthest off
  for (const CriticalRate& rate : result.rates) {
    const double error =
        rate.measured ? std::abs(*rate.measured / rate.predicted - 1) : std::nan("");
    double& worst = rate.epsilon == 0 ? vanilla_error : adversarial_error;
    if (error <= worst || std::isnan(worst)) continue;
    worst = error;
    if (rate.epsilon > 0) hardest = rate.epsilon;
  }
  const CurvatureCondition& strongest = result.conditions.back();
  const double carrying =
      static_cast<double>(strongest.carriers[0].half) / static_cast<double>(result.samples);
  const auto at_most = Check::Relation::at_most;
  const auto at_least = Check::Relation::at_least;
  std::vector<Check> checks{
      {"largest curvature that adversarial training feels, relative to vanilla training's, least "
       "over the budgets",
       strengthened, at_least, 1},
      {"largest effective curvature relative to the Hessian's at the same attacked images, least",
       added, at_least, 1 - 1e-3},
      {"error of the predicted critical learning rate, vanilla training, largest", vanilla_error,
       at_most, vanilla_rate_error},
      {"the same of adversarial training", adversarial_error, at_most, adversarial_rate_error},
      {"share of the images that hold half of the top eigenvalue under the strongest attack",
       carrying, at_most, few_samples},
  };
  std::ostringstream summary;
  summary.precision(3);
  const auto within = [](double error) {
    std::ostringstream text;
    text.precision(3);
    text << 100 * error << "%";
    return std::isfinite(error) ? text.str() : std::string("nothing: one was not found by trying");
  };
  summary << "Adversarial training feels " << strengthened
          << " times vanilla training's largest curvature or more. Its critical learning rate is "
          << "predicted within " << within(adversarial_error)
          << " (vanilla: " << within(vanilla_error) << ")";
  for (const CurvatureCondition& each : result.conditions) {
    if (each.epsilon != hardest || !(adversarial_error > adversarial_rate_error)) continue;
    summary << ": the prediction fails at " << each.name << ", where the attack has not settled on "
            << 100 * (1 - each.smooth) << "% of the images and " << each.carriers[0].half
            << " of them hold half of the predicted curvature";
  }
  summary << ". Under the strongest attack " << strongest.carriers[0].half << " of "
          << result.samples
          << " images hold half of the top eigenvalue (vanilla: " << vanilla.carriers[0].half
          << ").";
  const Verdict verdict = verdict_of(checks);
  return {verdict, summary.str(), std::move(checks)};
}

}  // namespace

Claim curvature_claim() {
  return {"curvature", 3, "Adversarial training feels more curvature, and oscillates sooner",
          "Adversarial training strengthens the influence of the Hessian of the loss with respect "
          "to the parameters, so the parameters oscillate more easily, along the directions of a "
          "few samples.",
          dynamics_claim().source};
}

CurvatureResult test_curvature(const Network& network, const Tensor& images, const Tensor& labels,
                               const CurvatureOptions& options, const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  const Batch batch{precise, as_inputs(precise, images), labels.to(precise.device())};
  CurvatureResult result{};
  result.samples = images.size(0);
  std::vector<double> radii{0};
  radii.insert(radii.end(), options.radii.begin(), options.radii.end());
  // Attacks make the later stages take longer: as many gradients as they have steps.
  const auto stages =
      static_cast<int64_t>(3 * radii.size() + options.settled.size() * (options.momenta.size() +
                                                                        options.radii.size() * 10));
  int64_t done = 0;
  const auto advance_by = [&](int64_t units) {
    return [&, units] {
      done += units;
      if (progress) progress(1000 * done / stages, 1000);
    };
  };
  for (const double radius : radii) {
    result.conditions.push_back(condition_of(
        batch, images, radius, options, radius == 0 ? &result.density : nullptr, advance_by(1)));
  }
  for (const CurvatureCondition& condition : result.conditions) {
    add_rates(batch, condition, options, result, advance_by(condition.epsilon == 0 ? 1 : 10));
  }
  result.finding = judge(result);
  return result;
}

}  // namespace reluctance
