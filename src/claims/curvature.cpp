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
constexpr double few_samples = 0.10;  // of the batch, to hold half of the top eigenvalue

std::optional<Ball> ball_of(const std::optional<GradientAscent>& attack) {
  return attack ? attack->ball : std::nullopt;
}

// Vanilla training first, the strongest L2 attack last.
std::vector<std::optional<GradientAscent>> attacks_of(const CurvatureOptions& options) {
  std::vector<std::optional<GradientAscent>> attacks{std::nullopt};
  for (const double radius : options.linf_radii) {
    attacks.emplace_back(plain_pgd({Norm::linf, radius}, options.attack_steps));
  }
  for (const double radius : options.radii) {
    attacks.emplace_back(plain_pgd({Norm::l2, radius}, options.attack_steps));
  }
  for (auto& attack : attacks) {
    if (attack) attack->loss = options.loss;
  }
  return attacks;
}

Tensor boosts(const Network& network, const Samples& samples, const Tensor& attacked,
              const Loss& loss) {
  const auto lengths = [&](const Tensor& x) {
    return loss.gradient(logits(network, x), samples.labels).norm(2, 1);
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
    const std::size_t budgets = options.radii.size() + options.linf_radii.size();
    const std::size_t rates =
        options.momenta.size() + budgets * options.attacked_momenta.size() * 10;
    total_ = static_cast<int64_t>(3 * (budgets + 1) + options.settled.size() * rates);
  }

  CurvatureResult run() {
    CurvatureResult result{};
    result.samples = samples_.count();
    result.loss = options_.loss.name;
    for (const auto& attack : attacks_of(options_)) {
      result.conditions.push_back(condition_of(attack, attack ? nullptr : &result.density));
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
    return {network, samples_, {options_.loss, attack}, {options_.memory, {}}};
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
    result.loss = options_.loss.value(after, samples_.labels).mean().item<double>();
    result.smooth = felt.smooth();
    result.hessian = top_eigenpairs(felt.hessian(), pairs);
    advance();
    result.gauss_newton = top_eigenpairs(felt.gauss_newton(), pairs);
    result.trace = estimate_trace(felt.hessian(), options_.trace_probes, {context_.seed, {}});
    advance();
    if (!felt.is_hessian()) result.effective = top_eigenpairs(felt.effective(), pairs);
    if (density) {
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
      if (attack)
        result.overlap = overlap_of(first, boosts(network_, samples_, attacked, options_.loss));
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

  // What the theory says of one network: the largest curvature of the Hessian, and the one that
  // training feels.
  struct Felt {
    double hessian, effective;
  };

  Felt felt_at(const Network& network, const Objective& objective, const Eigenpairs& hessian,
               const std::optional<Eigenpairs>& effective) const {
    const double largest = hessian.largest();
    if (effective) return {largest, effective->largest()};
    if (!is_linf(objective.attack) || hessian.values.numel() == 0) return {largest, largest};
    return {largest,
            swing_curvature(network, samples_, objective, hessian.vectors[0], swing_width)};
  }

  Felt felt_after(const Network& network, const Objective& objective) const {
    EigenpairOptions one;
    one.count = 1;
    one.tolerance = options_.tolerance;
    const FeltCurvature felt = felt_by(network, objective.attack);
    std::optional<Eigenpairs> effective;
    if (!felt.is_hessian()) effective = top_eigenpairs(felt.effective(), one);
    return felt_at(network, objective, top_eigenpairs(felt.hessian(), one), effective);
  }

  void add_rates(const CurvatureCondition& condition, CurvatureResult& result) {
    const Objective objective{options_.loss, condition.attack};
    const double width = is_linf(condition.attack) ? swing_width : 0;
    for (const int64_t settled : options_.settled) {
      const bool moved = settled > 0;
      const Network network =
          moved ? settled_network(objective, condition.hessian.largest(), settled) : network_;
      const Felt felt = moved ? felt_after(network, objective)
                              : felt_at(network, objective, condition.hessian, condition.effective);
      const TriedTraining tried(network, samples_, objective, {context_.seed, {}}, width);
      const TriedCurvature by_differences{tried.largest(), tried.smallest(), tried.smooth(),
                                          tried.secant(swing_width)};
      for (const double momentum :
           condition.attack ? options_.attacked_momenta : options_.momenta) {
        const double numerator = 2 * (1 + momentum);
        result.rates.push_back({ball_of(condition.attack), settled, width, momentum,
                                numerator / felt.hessian, numerator / felt.effective,
                                tried.critical_rate(momentum), by_differences});
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

// The ratio of the top eigenvalues of two conditions, with its interval over the images, the
// eigenvectors held.
Interval ratio_of(const CurvatureCondition& a, const CurvatureCondition& b) {
  const Carriers& above = a.carriers.front();
  const Carriers& below = b.carriers.front();
  return bootstrap(
      above.shares.size(0),
      [&](const Tensor& images) {
        const auto value = [&](const Carriers& each) {
          return each.eigenvalue * each.shares.index_select(0, images).sum().item<double>();
        };
        return value(above) / value(below);
      },
      0);
}

// The share of the images that hold half of the eigenvalue, likewise.
Interval carrying_share(const Carriers& carriers) {
  const Tensor& shares = carriers.shares;
  const auto count = static_cast<double>(shares.size(0));
  return bootstrap(
      shares.size(0),
      [&](const Tensor& images) {
        const Tensor some = shares.index_select(0, images);
        return static_cast<double>(carriers_of(1, some * count / some.sum()).half) / count;
      },
      0);
}

// How far a measured rate is from its prediction. It is uncertain by the bisection's precision and,
// beyond a linear piece, by what two ways to the largest curvature of that width differ.
Interval error_of(const CriticalRate& rate) {
  constexpr double precision = 0.01;
  const double never = std::nan("");
  if (!rate.measured) return {never, never, never};
  const double error = std::abs(*rate.measured / rate.predicted - 1);
  double other = error;
  if (rate.width > 0) {
    other = std::abs(*rate.measured * rate.tried.largest / (2 * (1 + rate.momentum)) - 1);
  }
  return {error, std::max(0.0, std::fmin(error, other) - precision),
          std::fmax(error, other) + precision};
}

Outcome judge(const CurvatureResult& result) {
  const CurvatureCondition& vanilla = result.conditions.front();
  if (vanilla.carriers.empty() || !(vanilla.hessian.largest() > 0)) {
    return {
        Verdict::cannot_be_tested, "the loss does not curve in the parameters at these images", {}};
  }
  const double never = std::nan("");
  Interval strengthened{never, never, never};
  double added = never;
  for (const CurvatureCondition& each : result.conditions) {
    if (!each.effective || each.carriers.empty()) continue;
    const Interval ratio = ratio_of(each, vanilla);
    if (!(ratio.value >= strengthened.value)) strengthened = ratio;
    added = std::fmin(added, each.effective->largest() / each.hessian.largest());
  }
  Interval vanilla_error{0, 0, 0};
  Interval l2_error{0, 0, 0};
  Interval linf_error{0, 0, 0};
  const CriticalRate* hardest = nullptr;  // of those under attack whose prediction fails, if any
  for (const CriticalRate& rate : result.rates) {
    const Interval error = error_of(rate);
    Interval& worst = !rate.ball ? vanilla_error : rate.width > 0 ? linf_error : l2_error;
    if (error.value <= worst.value || std::isnan(worst.value)) continue;
    worst = error;
    if (rate.ball && !(error.value <= adversarial_rate_error)) hardest = &rate;
  }
  const CurvatureCondition& strongest = result.conditions.back();
  const Interval carrying = carrying_share(strongest.carriers.front());
  const auto at_most = Check::Relation::at_most;
  const auto at_least = Check::Relation::at_least;
  std::vector<Check> checks{
      {"largest curvature that adversarial training feels, relative to vanilla training's, least "
       "over the budgets",
       strengthened.value, at_least, 1, strengthened},
      {"largest effective curvature relative to the Hessian's at the same attacked images, least",
       added, at_least, 1 - 1e-3},
      {"error of the predicted critical learning rate, vanilla training, largest",
       vanilla_error.value, at_most, vanilla_rate_error, vanilla_error},
      {"the same of adversarial training in L2", l2_error.value, at_most, adversarial_rate_error,
       l2_error},
      {"the same in L-infinity, of swings a thousandth of the parameters' length wide",
       linf_error.value, at_most, adversarial_rate_error, linf_error},
      {"share of the images that hold half of the top eigenvalue under the strongest attack",
       carrying.value, at_most, few_samples, carrying},
  };
  std::ostringstream summary;
  summary.precision(3);
  const auto within = [](const Interval& error) {
    return std::isfinite(error.value) ? percent(error.value)
                                      : std::string("nothing: one was not found");
  };
  summary << "Adversarial training feels " << strengthened.value
          << " times vanilla training's largest curvature or more. Its critical learning rate is "
          << "predicted within " << within(l2_error) << " (vanilla: " << within(vanilla_error)
          << "; in L-infinity, from the secant curvature: " << within(linf_error) << ")";
  if (hardest && !std::isfinite(hardest->predicted)) {
    summary << ": nothing is predicted at " << name_of(hardest->ball)
            << ", where no swing of a thousandth of the parameters' length reproduces itself";
  } else if (hardest && !hardest->tried.smooth) {
    summary << ": the prediction fails at " << name_of(hardest->ball)
            << ", where the gradient under attack jumps at the smallest displacements";
  } else if (hardest) {
    summary << ": the prediction fails at " << name_of(hardest->ball) << ", where training feels "
            << 2 * (1 + hardest->momentum) / hardest->predicted
            << " by the theory, by differences of its own gradients " << hardest->tried.largest;
    if (hardest->measured) {
      summary << ", by its critical rate " << 2 * (1 + hardest->momentum) / *hardest->measured;
    }
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
  Tensor linf = at::zeros({count}, at::kBool);
  Tensor eigenvalues = at::full({count, most}, std::nan(""), at::kDouble);
  Tensor shares = at::full({count, most, samples}, std::nan(""), at::kDouble);
  Tensor smooth = at::empty({count, samples}, at::kBool);
  for (int64_t m = 0; m < count; ++m) {
    const CurvatureCondition& each = conditions[static_cast<std::size_t>(m)];
    if (each.attack) radius[m] = each.attack->ball->radius;
    linf[m] = is_linf(each.attack);
    smooth[m].copy_(each.smooth);
    for (std::size_t k = 0; k < each.carriers.size(); ++k) {
      eigenvalues[m][static_cast<int64_t>(k)] = each.carriers[k].eigenvalue;
      shares[m][static_cast<int64_t>(k)].copy_(each.carriers[k].shares);
    }
  }
  return {{"radius", radius},
          {"linf", linf},
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
