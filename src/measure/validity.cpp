#include "reluctance/measure/validity.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>

#include "reluctance/attack/region.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr double few = 0.01;
constexpr double many = 0.1;
constexpr double steep = 0.01;  // of the budget

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", 100 * share);
  return text;
}

double share_of(const Tensor& booleans) {
  return booleans.numel() > 0 ? booleans.to(at::kDouble).mean().item<double>() : 0;
}

// The first samples of a kind.
struct Few {
  Tensor images;
  Tensor labels;
  int64_t count;
};

Few first_of(const Tensor& kind, const Tensor& images, const Tensor& labels, int64_t count) {
  const Tensor rows = kind.nonzero().squeeze(1).slice(0, 0, count);
  return {images.index_select(0, rows), labels.index_select(0, rows), rows.size(0)};
}

// What the gradients of images that are answered right, or stand, say of themselves.
void ask_gradients(const Network& network, const Few& right, const Few& standing,
                   const ValidityOptions& options, std::vector<Flag>& flags) {
  const Pass pass = forward(network, right.images, Keep::gates);
  const Tensor others = pass.logits.scatter(1, right.labels.unsqueeze(1), -INFINITY);
  const Tensor direction = at::zeros_like(pass.logits)
                               .scatter_(1, others.argmax(1, true), 1)
                               .scatter_(1, right.labels.unsqueeze(1), -1);
  const Tensor gradient = vector_jacobian(network, pass, direction).flatten(1);
  if (!gradient.isfinite().all().item<bool>()) {
    flags.push_back({"not-finite",
                     "gradients are infinite or not numbers: attacks that follow them are blind; "
                     "judge by --attack autoattack, whose Square does without"});
    return;
  }
  const Tensor zero = gradient.eq(0).all(1);
  if (share_of(zero) > few) {
    flags.push_back({"zero-gradient",
                     "on " + percent(share_of(zero)) +
                         " of the images the gradient is exactly zero: "
                         "attacks that follow it cannot move; judge by --attack autoattack, whose "
                         "Square does without"});
  }
  const Tensor flat =
      logit_gradient(pass.logits, right.labels).eq(0).all(1).logical_and(zero.logical_not());
  if (options.follows_cross_entropy && share_of(flat) > many) {
    flags.push_back(
        {"flat-loss",
         "on " + percent(share_of(flat)) +
             " of the images cross-entropy rounds to zero and "
             "so does its gradient, which this attack follows: use --attack standard, which "
             "follows the margin"});
  }
  if (standing.count == 0 || !options.ball) return;
  CountedPasses passes(network);
  const Tensor distance =
      linear_distances(passes, standing.images, standing.labels, options.ball->norm, 5)
          .distances.amin(1);
  const Tensor near = distance.lt(steep * options.ball->radius);
  if (share_of(near) > many) {
    flags.push_back(
        {"steep-gradient",
         "by its gradient, a hundredth of the budget would fell " + percent(share_of(near)) +
             " of the images that stand: the gradient speaks of so small a surrounding that "
             "attacks by it mislead; judge by --attack autoattack"});
  }
}

}  // namespace

std::vector<Flag> validity_flags(const Network& network, const Tensor& images, const Tensor& labels,
                                 const EnsembleResult& result, const ValidityOptions& options) {
  const Tensor x = as_inputs(network, images);
  const Tensor y = labels.to(network.device());
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
  const Few any = first_of(at::ones_like(right), x, y, options.samples);
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
  const Few few_right = first_of(right, x, y, options.samples);
  if (few_right.count > 0) {
    ask_gradients(network, few_right, first_of(stands, x, y, options.samples), options, flags);
  }
  const Few fell = first_of(right.logical_and(stands.logical_not()), x, y, options.samples);
  if (fell.count > 0 && options.ball && options.attack) {
    const AttackResult twice =
        options.attack(fell.images, fell.labels, {options.ball->norm, 2 * options.ball->radius});
    const double withstand = 1 - share_of(twice.success);
    if (withstand > many) {
      flags.push_back({"rising-budget",
                       percent(withstand) +
                           " of the images that fell withstand twice the budget: the attack gets "
                           "lost; give it more steps or restarts, or use --attack autoattack"});
    }
  }
  for (std::size_t i = 0; i < result.stages.size(); ++i) {
    if (result.stages[i].name != "square") continue;
    const auto felled = result.felled_by.eq(static_cast<int64_t>(i)).sum().item<int64_t>();
    const double of_all = static_cast<double>(felled) / static_cast<double>(x.size(0));
    if (felled >= 3 && of_all >= few) {
      flags.push_back({"weaker-than-square",
                       "Square, which needs no gradients, felled " + std::to_string(felled) +
                           " images that stood against everything before it: gradients mislead on "
                           "this network, and its robust accuracy is likely lower still"});
    }
  }
  return flags;
}

}  // namespace reluctance
