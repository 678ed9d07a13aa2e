#include "reluctance/claims/advice.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>

#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double critical_share = 1;      // of the learning rate over the critical one
constexpr double single_step_gap = 0.1;   // accuracy under the step trained on above many steps
constexpr double weak_attack_gap = 0.05;  // the same of an attack of several steps
constexpr double robust_gap = 0.15;       // robust accuracy on training images above held-out ones
constexpr double not_robust = 0.5;        // share of the clean accuracy that an attack takes
constexpr std::size_t most_pieces = 5;

// Whether the 95% intervals of two shares lie apart: a few images are no evidence.
bool clearly_above(const Share& more, const Share& less) { return more.low > less.high; }

// "Images 12, 40 and 7": those with the largest shares of the top eigenvalue.
std::string carriers(const CurvatureCondition& condition) {
  const Carriers& top = condition.carriers.front();
  const Tensor order = top.shares.argsort(0, /*descending=*/true);
  std::ostringstream text;
  const std::optional<Ball> ball = condition.attack ? condition.attack->ball : std::nullopt;
  text << top.half << " of " << top.shares.size(0) << " images hold half of the largest curvature ("
       << name_of(ball) << ")";
  const int64_t named = std::min<int64_t>(top.half, 5);
  for (int64_t k = 0; k < named; ++k) {
    text << (k == 0 ? ": number " : ", ") << order[k].item<int64_t>();
  }
  if (named < top.half) text << " and more";
  return text.str();
}

std::optional<Advice> about_rate(const AdviceMaterial& material) {
  if (!material.training) return std::nullopt;
  const WatchedStep* worst = nullptr;
  int64_t above = 0;
  const std::vector<WatchedStep>& watched = material.training->watched;
  for (const WatchedStep& each : watched) {
    above += each.rate_times_curvature > each.critical;
    if (!worst ||
        each.rate_times_curvature / each.critical > worst->rate_times_curvature / worst->critical) {
      worst = &each;
    }
  }
  if (!worst) return std::nullopt;
  const double ratio = worst->rate_times_curvature / worst->critical;
  if (!(ratio >= critical_share)) return std::nullopt;
  const double critical = worst->learning_rate / ratio;
  std::ostringstream action;
  action.precision(2);
  action << "Train with a learning rate below " << critical << ": the rate " << worst->learning_rate
         << " was " << ratio << " times the critical one at step " << worst->step;
  std::ostringstream evidence;
  evidence << "Above the critical rate at " << above << " of " << watched.size()
           << " steps at which the curvature was asked for";
  if (material.curvature && !material.curvature->conditions.empty()) {
    const CurvatureCondition& condition = material.curvature->conditions.back();
    if (!condition.carriers.empty()) evidence << "; " << carriers(condition);
  }
  return Advice{action.str(), evidence.str() + ".", ratio / critical_share};
}

std::optional<Advice> about_attack(const AdviceMaterial& material) {
  if (!material.attacks || !material.training || !material.training->attack) return std::nullopt;
  // An attack that went on from epoch to epoch cannot be asked for again.
  if (material.training->carried) return std::nullopt;
  const AttackComparison& measured = *material.attacks;
  const bool single = material.training->attack->steps == 1;
  const double gap = measured.own_attack.value - measured.many_steps.value;
  const double threshold = single ? single_step_gap : weak_attack_gap;
  if (!(gap >= threshold) || !clearly_above(measured.own_attack, measured.many_steps)) {
    return std::nullopt;
  }
  std::ostringstream action;
  action << "Train with more steps: " << (single ? "one step is" : "the training's attack is")
         << " not a stand-in for many here";
  std::ostringstream evidence;
  evidence.precision(3);
  evidence << percent(measured.own_attack.value) << " of the images withstand the attack that was "
           << "trained on, " << percent(measured.many_steps.value) << " one of 40 steps";
  if (single) {
    evidence << "; the step flips " << percent(measured.gates_flipped)
             << " of the gates and its loss is "
             << percent(1 - measured.loss_one_step / measured.loss_many_steps)
             << " below the other's";
  }
  return Advice{action.str(), evidence.str() + ".", gap / threshold};
}

std::optional<Advice> about_overfitting(const AdviceMaterial& material) {
  if (!material.attacks || !material.attacks->many_steps_training) return std::nullopt;
  if (!material.training || !material.training->attack) return std::nullopt;
  const AttackComparison& measured = *material.attacks;
  const double gap = measured.many_steps_training->value - measured.many_steps.value;
  if (!(gap >= robust_gap) || !clearly_above(*measured.many_steps_training, measured.many_steps)) {
    return std::nullopt;
  }
  return Advice{
      "Stop earlier, decay the weights more, or train on more images: robust accuracy is "
      "learned by heart",
      percent(measured.many_steps_training->value) +
          " of the training images withstand an attack of 40 steps, " +
          percent(measured.many_steps.value) + " of the held-out ones.",
      gap / robust_gap};
}

std::optional<Advice> about_robustness(const AdviceMaterial& material) {
  if (!material.attacks) return std::nullopt;
  if (material.training && material.training->attack) return std::nullopt;
  const AttackComparison& measured = *material.attacks;
  if (!(measured.clean.value > 0)) return std::nullopt;
  const double taken = 1 - measured.many_steps.value / measured.clean.value;
  if (!(taken >= not_robust) || !clearly_above(measured.clean, measured.many_steps)) {
    return std::nullopt;
  }
  std::ostringstream action;
  action.precision(2);
  action << "If it has to withstand attacks, train adversarially";
  if (material.curvature) {
    for (const CriticalRate& rate : material.curvature->rates) {
      if (!rate.ball || !rate.measured) continue;
      action << ", from here at a learning rate below " << *rate.measured
             << " (full batch, no momentum, " << name_of(rate.ball) << ")";
      break;
    }
  }
  return Advice{action.str(),
                "An attack of 40 steps takes the accuracy from " + percent(measured.clean.value) +
                    " to " + percent(measured.many_steps.value) + ".",
                taken / not_robust};
}

}  // namespace

AttackComparison compare_attacks(const Network& network, const Samples& held_out,
                                 const std::optional<Samples>& training,
                                 const GradientAscent& attack, std::uint64_t seed) {
  PgdOptions pgd;
  pgd.ball = *attack.ball;
  pgd.steps = 40;
  const GradientAscent many = pgd_attack(pgd);
  GradientAscent one = attack;
  if (attack.steps != 1) {
    one = plain_pgd(pgd.ball, 1);
    one.step_size = pgd.ball.radius;
  }
  const Samples samples = as_inputs(network, held_out);
  const auto under = [&](const Samples& on, const GradientAscent& each) {
    return robust_accuracy(network, on, as_attack(each), {seed, {}});
  };
  const auto after = [&](const GradientAscent& each) {
    return attacked_images(network, samples, each, {seed, {}});
  };
  const auto loss = [&](const Tensor& images) {
    return attack.loss.value(logits(network, images), samples.labels).mean().item<double>();
  };
  const Tensor stepped = after(one);
  AttackComparison result{};
  result.clean = clean_accuracy(network, samples);
  result.one_step = under(samples, one);
  result.own_attack = under(samples, attack);
  result.many_steps = under(samples, many);
  if (training) result.many_steps_training = under(*training, many);
  result.loss_one_step = loss(stepped);
  result.loss_many_steps = loss(after(many));
  const auto flipped = [&](int64_t begin, int64_t end) {
    const auto pass = [&](const Tensor& images) {
      return forward(network, images.slice(0, begin, end), Keep::gates);
    };
    return Tensors{gates_flipped(network, pass(samples.images), pass(stepped))};
  };
  result.gates_flipped =
      map_chunks(chunks_of(network, samples.count()), flipped)[0].mean().item<double>();
  return result;
}

std::vector<Advice> advise(const AdviceMaterial& material) {
  std::vector<Advice> pieces;
  for (const auto about : {about_rate, about_attack, about_overfitting, about_robustness}) {
    if (const std::optional<Advice> piece = about(material)) pieces.push_back(*piece);
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Advice& a, const Advice& b) { return a.severity > b.severity; });
  if (pieces.size() > most_pieces) pieces.resize(most_pieces);
  return pieces;
}

}  // namespace reluctance
