// From understanding to use: what to change about this network and its training.
//
// A piece of advice is an action with its number and its evidence, all measured on this run; what
// was not measured is not advised. Thresholds are constants at the top of advice.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/claims/curvature.hpp"
#include "reluctance/claims/diagnosis.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// How the network at hand was trained.
struct TrainingRecord {
  std::optional<GradientAscent> attack{};  // none: plainly
  std::vector<WatchedStep> watched;        // steps at which its curvature was asked for
  bool carried = false;                    // whether its attacks went on from epoch to epoch
};

// Shares of images that are answered right, and what separates one step of the training's attack
// from many.
struct AttackComparison {
  Share clean, one_step, own_attack,
      many_steps;                            // held out; many: PGD of 40 steps in the same ball
  std::optional<Share> many_steps_training;  // on training images
  double loss_one_step, loss_many_steps;     // mean, held out
  double gates_flipped;                      // by the one step, share of all gates
};

// `attack` needs a ball. Without training images the robust gap is not measured.
AttackComparison compare_attacks(const Network& network, const Samples& held_out,
                                 const std::optional<Samples>& training,
                                 const GradientAscent& attack, std::uint64_t seed);

struct Advice {
  std::string action;    // what to do, with its number
  std::string evidence;  // what was measured
  double severity;       // the measured quantity relative to its threshold, at least 1
};

// What is known about a network when advice is asked for; what is missing is not advised on.
struct AdviceMaterial {
  std::optional<TrainingRecord> training;
  std::optional<AttackComparison> attacks;
  const CurvatureResult* curvature = nullptr;
};

// At most five pieces, the most severe first.
std::vector<Advice> advise(const AdviceMaterial& material);

}  // namespace reluctance
