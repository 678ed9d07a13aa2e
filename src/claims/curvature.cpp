#include "reluctance/claims/curvature.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "reluctance/claims/dynamics.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/train/critical_rate.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double vanilla_rate_error = 0.10;
constexpr double adversarial_rate_error = 0.15;
constexpr double secant_distance = 1e-3;  // of the parameters' length
constexpr double few_samples = 0.10;      // of the batch, to hold half of the top eigenvalue

std::optional<Ball> ball_of(const std::optional<GradientAscent>& attack) {
  return attack ? attack->ball : std::nullopt;
}

std::optional<GradientAscent> attack_of(double radius, const CurvatureOptions& options) {
  if (radius == 0) return std::nullopt;
  return plain_pgd({Norm::l2, radius}, options.attack_steps);
}

Tensor boosts(const Network& network, const Samples& samples, const Tensor& attacked) {
  const auto lengths = [&](const Tensor& x) {
    return cross_entropy_loss().gradient(logits(network, x), samples.labels).norm(2, 1);
  };
  return (lengths(attacked) / lengths(samples.images)).to(at::kCPU);
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

std::vector<CarrierExample> examples_of(const Carriers& carriers, const Tensor& answers,
                                        const Samples& shown, int64_t count) {
  const Tensor order = carriers.shares.argsort(0, /*descending=*/true);
  std::vector<CarrierExample> examples;
  for (int64_t k = 0; k < std::min(count, order.size(0)); ++k) {
    const auto i = order[k].item<int64_t>();
    examples.push_back({i, shown.labels[i].item<int64_t>(), answers[i].item<int64_t>(),
                        carriers.shares[i].item<double>(), shown.images[i]});
  }
  return examples;
}

// The claim on one batch in float64.
class Experiment {
 public:
  Experiment(const Network& network, const Samples& shown, const CurvatureOptions& options,
             const Context& context)
      : network_(network.to(at::kDouble)),
        samples_(as_inputs(network_, shown)),
        shown_(shown),
        options_(options),
        context_(context),
        answers_(logits(network_, samples_.images).argmax(1)) {
    // Attacks make the later stages take longer: as many gradients as they have steps.
    const std::size_t budgets = options.radii.size();
    total_ = static_cast<int64_t>(3 * (budgets + 1) +
                                  options.settled.size() * (options.momenta.size() + budgets * 10));
  }

  CurvatureResult run() {
    CurvatureResult result{};
    result.samples = samples_.count();
    std::vector<double> radii{0};
    radii.insert(radii.end(), options_.radii.begin(), options_.radii.end());
    for (const double radius : radii) {
      result.conditions.push_back(
          condition_of(attack_of(radius, options_), radius == 0 ? &result.density : nullptr));
    }
    for (const CurvatureCondition& condition : result.conditions) add_rates(condition, result);
    return result;
  }

 private:
  void advance(int64_t units = 1) {
    done_ += units;
    if (context_.progress) context_.progress(1000 * done_ / total_, 1000);
  }

  FeltCurvature felt_by(const Network& network, const std::optional<GradientAscent>& attack) const {
    return {network, samples_, {cross_entropy_loss(), attack}, {options_.memory, {}}};
  }

  CurvatureCondition condition_of(const std::optional<GradientAscent>& attack,
                                  SpectralDensity* density) {
    const FeltCurvature felt = felt_by(network_, attack);
    const Tensor& attacked = felt.attacked().images;
    EigenpairOptions pairs;
    pairs.count = options_.top;
    pairs.tolerance = options_.tolerance;
    pairs.context.seed = context_.seed;
    const Tensor after = logits(network_, attacked);
    const Tensor right = answers_.eq(samples_.labels);
    const Tensor fallen = right.logical_and(after.argmax(1).ne(samples_.labels));
    CurvatureCondition result{};
    result.attack = attack;
    result.fooled = fallen.sum().item<double>() / std::max(1.0, right.sum().item<double>());
    result.loss = cross_entropy_loss().value(after, samples_.labels).mean().item<double>();
    result.smooth = felt.smooth();
    result.hessian = top_eigenpairs(felt.hessian(), pairs);
    advance();
    result.gauss_newton = top_eigenpairs(felt.gauss_newton(), pairs);
    result.trace = estimate_trace(felt.hessian(), options_.trace_probes, {context_.seed, {}});
    advance();
    if (attack) {
      result.effective = top_eigenpairs(felt.effective(), pairs);
    } else if (density) {
      *density = spectral_density(felt.hessian(), options_.density_probes, options_.density_steps,
                                  {context_.seed, {}});
    }
    const Eigenpairs& top = result.effective ? *result.effective : result.hessian;
    for (int64_t k = 0; k < top.values.size(0); ++k) {
      result.carriers.push_back(
          carriers_of(top.values[k].item<double>(), felt.sample_curvatures(top.vectors[k])));
    }
    advance();
    if (!result.carriers.empty()) {
      const Carriers& first = result.carriers[0];
      if (attack) result.overlap = overlap_of(first, boosts(network_, samples_, attacked));
      result.examples = examples_of(first, answers_, shown_, options_.examples);
    }
    return result;
  }

  // Full-batch training from the network, at half of the rate that the Hessian bears.
  Network settled_network(const Objective& objective, double largest, int64_t steps) const {
    Network network = network_.clone();
    for (int64_t step = 0; step < steps; ++step) {
      const Tensors gradient = batch_gradient(network, samples_, objective).parameters;
      Tensors parameters = network.parameters();
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        parameters[k].sub_(gradient[k], 1 / largest);
      }
    }
    return network;
  }

  void add_rates(const CurvatureCondition& condition, CurvatureResult& result) {
    const Objective objective{cross_entropy_loss(), condition.attack};
    for (const int64_t settled : options_.settled) {
      Network network = network_;
      double hessian = condition.hessian.largest();
      double effective = condition.effective ? condition.effective->largest() : hessian;
      if (settled > 0) {
        network = settled_network(objective, hessian, settled);
        const FeltCurvature felt = felt_by(network, condition.attack);
        hessian = effective = largest_eigenvalue(felt.hessian(), options_.tolerance);
        if (!felt.is_hessian()) {
          effective = largest_eigenvalue(felt.effective(), options_.tolerance);
        }
      }
      const TriedTraining tried(network, samples_, objective, {context_.seed, {}});
      const double secant = tried.secant(secant_distance);
      for (const double momentum : options_.momenta) {
        if (condition.attack && momentum != options_.momenta.front()) continue;
        const double numerator = 2 * (1 + momentum);
        result.rates.push_back({ball_of(condition.attack),
                                settled,
                                momentum,
                                numerator / hessian,
                                numerator / effective,
                                tried.critical_rate(momentum),
                                {tried.largest(), tried.smallest(), secant}});
        advance(condition.attack ? 10 : 1);
      }
    }
  }

  Network network_;
  Samples samples_;
  const Samples& shown_;  // as they were given
  const CurvatureOptions& options_;
  const Context& context_;
  Tensor answers_;
  int64_t done_ = 0, total_;
};

Outcome judge(const CurvatureResult& result) {
  const CurvatureCondition& vanilla = result.conditions.front();
  if (vanilla.carriers.empty() || !(vanilla.hessian.largest() > 0)) {
    return {
        Verdict::cannot_be_tested, "the loss does not curve in the parameters at these images", {}};
  }
  double strengthened = std::nan("");
  double added = std::nan("");
  for (const CurvatureCondition& each : result.conditions) {
    if (!each.effective) continue;
    const double felt = each.effective->largest();
    strengthened = std::fmin(strengthened, felt / vanilla.hessian.largest());
    added = std::fmin(added, felt / each.hessian.largest());
  }
  double vanilla_error = 0;
  double adversarial_error = 0;
  std::optional<Ball> hardest;  // where the rate is furthest off
  for (const CriticalRate& rate : result.rates) {
    const double error =
        rate.measured ? std::abs(*rate.measured / rate.predicted - 1) : std::nan("");
    double& worst = rate.ball ? adversarial_error : vanilla_error;
    if (error <= worst || std::isnan(worst)) continue;
    worst = error;
    if (rate.ball) hardest = rate.ball;
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
    return std::isfinite(error) ? percent(error)
                                : std::string("nothing: one was not found by trying");
  };
  summary << "Adversarial training feels " << strengthened
          << " times vanilla training's largest curvature or more. Its critical learning rate is "
          << "predicted within " << within(adversarial_error)
          << " (vanilla: " << within(vanilla_error) << ")";
  for (const CurvatureCondition& each : result.conditions) {
    const bool named = each.attack && hardest && each.attack->ball->radius == hardest->radius;
    if (!named || !(adversarial_error > adversarial_rate_error)) continue;
    const double smooth = each.smooth.to(at::kDouble).mean().item<double>();
    summary << ": the prediction fails at " << name_of(hardest)
            << ", where the attack has not settled on " << 100 * (1 - smooth)
            << "% of the images and " << each.carriers[0].half
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

std::string name_of(const std::optional<Ball>& ball) {
  if (!ball) return "vanilla";
  std::ostringstream text;
  text << to_string(ball->norm) << ", epsilon " << ball->radius;
  return text.str();
}

NamedTensors CurvatureResult::arrays() const {
  const auto count = static_cast<int64_t>(conditions.size());
  int64_t most = 0;
  for (const CurvatureCondition& each : conditions) {
    most = std::max(most, static_cast<int64_t>(each.carriers.size()));
  }
  Tensor radius = at::zeros({count}, at::kDouble);
  Tensor eigenvalues = at::full({count, most}, std::nan(""), at::kDouble);
  Tensor shares = at::full({count, most, samples}, std::nan(""), at::kDouble);
  Tensor smooth = at::empty({count, samples}, at::kBool);
  for (int64_t m = 0; m < count; ++m) {
    const CurvatureCondition& each = conditions[static_cast<std::size_t>(m)];
    if (each.attack) radius[m] = each.attack->ball->radius;
    smooth[m].copy_(each.smooth);
    for (std::size_t k = 0; k < each.carriers.size(); ++k) {
      eigenvalues[m][static_cast<int64_t>(k)] = each.carriers[k].eigenvalue;
      shares[m][static_cast<int64_t>(k)].copy_(each.carriers[k].shares);
    }
  }
  return {{"radius", radius},
          {"eigenvalues", eigenvalues},
          {"sample_share", shares},
          {"smooth", smooth}};
}

CurvatureResult test_curvature(const Network& network, const Samples& samples,
                               const CurvatureOptions& options, const Context& context) {
  CurvatureResult result = Experiment(network, samples, options, context).run();
  result.outcome = judge(result);
  return result;
}

}  // namespace reluctance
