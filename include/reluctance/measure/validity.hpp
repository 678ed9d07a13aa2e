// Signs that a robust accuracy is not to be trusted, after Carlini et al. 2019 ("On evaluating
// adversarial robustness") and Athalye et al. 2018 ("Obfuscated gradients give a false sense of
// security"). Each is a flag with a fixed threshold; a raised flag says what was seen and what to
// do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

struct Flag {
  std::string name;  // one of the names below
  std::string message;
};

struct ValidityOptions {
  // The attack behind the number, or a quick part of it, for a budget; empty without one.
  std::function<Attack(const Ball& ball)> attack{};
  std::optional<Ball> ball{};          // the budget; none: unbounded
  bool follows_cross_entropy = false;  // as pgd does: it cannot move where that loss is flat
  int64_t samples = 50;                // asked for each flag, the first that qualify
  std::uint64_t seed = 0;
};

// The flags that are raised, none by fewer than 3 samples:
//   "clean-accuracy"      the network is right no more often than by chance (1 / classes)
//   "not-finite"          a logit or input gradient is infinite or not a number
//   "random"              two passes over the same images differ
//   "zero-gradient"       the gradient of the margin is exactly zero on more than 1%
//   "steep-gradient"      by its gradient a hundredth of the budget would do, and the image stands:
//                         more than 10% of those that stand
//   "flat-loss"           the gradient of cross-entropy vanishes in the network's precision, where
//                         that of the margin does not, on more than 10%, and the attack follows it
//   "rising-budget"       of the samples that fell, more than 10% withstand twice the budget
//   "weaker-than-square"  Square, which needs no gradients, felled more than 5% of the samples it
//                         attacked, which stood against the attacks before it
// samples: images of N x any shape that fits the network; `result` as run_ensemble gives it.
std::vector<Flag> validity_flags(const Network& network, const Samples& samples,
                                 const EnsembleResult& result, const ValidityOptions& options);

}  // namespace reluctance
