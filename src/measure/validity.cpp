#include "reluctance/measure/validity.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr double few = 0.01;
constexpr double some = 0.05;
constexpr double many = 0.1;
// No flag is raised by one or two samples.
constexpr int64_t least = 3;
constexpr double steep = 0.01;  // of the budget

double share_of(const Tensor& booleans) {
  return booleans.numel() > 0 ? booleans.to(at::kDouble).mean().item<double>() : 0;
}

// The share is larger, and not by one or two samples.
bool exceeds(const Tensor& booleans, double share) {
  return share_of(booleans) > share && booleans.sum().item<int64_t>() >= least;
}

// The first samples of a kind.
Samples first_of(const Tensor& kind, const Samples& samples, int64_t count) {
  return samples.rows(kind.nonzero().squeeze(1).slice(0, 0, count));
}

// What the gradients of images that are answered right, or stand, say of themselves.
void ask_gradients(const Network& network, const Samples& right, const Samples& standing,
                   const ValidityOptions& options, std::vector<Flag>& flags) {
  const Pass pass = forward(network, right.images, Keep::gates);
  const Tensor nearest = other_logits(pass.logits, right.labels).argmax(1);
  const Tensor direction = margin_direction(pass.logits, right.labels, nearest);
  const Tensor gradient = vector_jacobian(network, pass, direction).flatten(1);
  if (!gradient.isfinite().all().item<bool>()) {
    flags.push_back({"not-finite",
                     "gradients are infinite or not numbers: attacks that follow them are blind; "
                     "judge by Square, which does without"});
    return;
  }
  const Tensor zero = gradient.eq(0).all(1);
  if (exceeds(zero, few)) {
    flags.push_back(
        {"zero-gradient",
         "on " + percent(share_of(zero)) +
             " of the images the gradient is exactly zero: attacks that follow it cannot move; "
             "judge by Square, which does without"});
  }
  // Below this the steps of an attack in L2 vanish, too: it divides by the norm, kept above 1e-30.
  constexpr double vanishing = 1e-30;
  const Tensor felt = vector_jacobian(network, pass, logit_gradient(pass.logits, right.labels));
  const Tensor flat = felt.flatten(1).abs().amax(1).lt(vanishing).logical_and(zero.logical_not());
  if (options.follows_cross_entropy && exceeds(flat, many)) {
    flags.push_back(
        {"flat-loss",
         "on " + percent(share_of(flat)) +
             " of the images cross-entropy rounds to zero and "
             "so does its gradient, which this attack follows: use --attack standard, which "
             "follows the margin"});
  }
  if (standing.count() == 0 || !options.ball) return;
  CountedPasses passes(network);
  const Tensor distance = linear_distances(passes, standing, *options.ball, 5).distances.amin(1);
  const Tensor near = distance.lt(steep * options.ball->radius);
  if (exceeds(near, many)) {
    flags.push_back(
        {"steep-gradient",
         "by its gradient, a hundredth of the budget would fell " + percent(share_of(near)) +
             " of the images that stand: the gradient speaks of so small a surrounding that "
             "attacks by it mislead; judge by Square, which does without"});
  }
}

}  // namespace

std::vector<Flag> validity_flags(const Network& network, const Samples& samples,
                                 const EnsembleResult& result, const ValidityOptions& options) {
  const Samples all = as_inputs(network, samples);
  const Tensor right = result.felled_by.ne(EnsembleResult::wrong);
  const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
  std::vector<Flag> flags;

  const double chance = 1.0 / static_cast<double>(network.classes());
  if (result.clean.value <= chance) {
    flags.push_back({"clean-accuracy",
                     "the network is right on " + percent(result.clean.value) +
                         " of the images, no more than by chance: check that model and data belong "
                         "together, and how the images are scaled"});
  }
  const Samples any = first_of(at::ones_like(right), all, options.samples);
  const Tensor once = logits(network, any.images);
  if (!once.isfinite().all().item<bool>()) {
    flags.push_back(
        {"not-finite",
         "logits are infinite or not numbers: no answer of this network means anything"});
    return flags;
  }
  if (!at::equal(once, logits(network, any.images))) {
    flags.push_back({"random",
                     "two passes over the same images differ: a random network must be attacked in "
                     "expectation, which these attacks do not do"});
  }
  const Samples few_right = first_of(right, all, options.samples);
  if (few_right.count() > 0) {
    // Towards a target an image may well stand near the boundary to another class.
    const Tensor asked = all.target.defined() ? at::zeros_like(stands) : stands;
    ask_gradients(network, few_right, first_of(asked, all, options.samples), options, flags);
  }
  const Samples fell = first_of(right.logical_and(stands.logical_not()), all, options.samples);
  if (fell.count() > 0 && options.ball && options.attack) {
    Ball wider = *options.ball;
    wider.radius *= 2;
    const Attack stronger = options.attack(wider);
    const AttackResult twice = stronger.run(network, fell, {options.seed, {}});
    const Tensor withstood = twice.success.logical_not();
    if (exceeds(withstood, many)) {
      flags.push_back(
          {"rising-budget",
           percent(share_of(withstood)) +
               " of the images that fell withstand twice the budget: the attack gets lost; try "
               "another one, or more of its steps and restarts"});
    }
  }
  // The first stage has no attack before it that could be the weaker one.
  for (std::size_t i = 1; i < result.stages.size(); ++i) {
    if (result.stages[i].name != "square") continue;
    const auto felled = result.felled_by.eq(static_cast<int64_t>(i)).sum().item<int64_t>();
    const double of_attacked =
        static_cast<double>(felled) / static_cast<double>(result.stages[i].attacked);
    if (felled >= least && of_attacked > some) {
      flags.push_back({"weaker-than-square",
                       "Square, which needs no gradients, felled " + std::to_string(felled) +
                           " images that stood against everything before it: gradients mislead on "
                           "this network, and its robust accuracy is likely lower still"});
    }
  }
  return flags;
}

}  // namespace reluctance
