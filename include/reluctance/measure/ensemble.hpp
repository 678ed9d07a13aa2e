// Several attacks one after the other, each on what the ones before it left standing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/attack.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// One attack of an ensemble.
struct Stage {
  Attack attack;
  double share = 1;  // of the samples that stand: those with the least margin. 1: all
  // The stage is repeated, with other random numbers, while it fells more than this share of what
  // it attacks. 1: never.
  double again_above = 1;
};

struct StageOutcome {
  std::string name;
  int64_t attacked;  // samples, each as often as it was; 0: the stage was not run
  Share robust;      // share of all samples that stand after it
  double seconds;
  PassCount passes;  // of the attack and of the check of its claims
};

struct EnsembleResult {
  // Values of `felled_by` that name no stage.
  static constexpr int64_t stands = -1;
  static constexpr int64_t wrong = -2;  // answered wrong without any attack

  Share clean;
  Share robust;                      // after all stages
  std::vector<StageOutcome> stages;  // in their order
  Tensor felled_by;                  // N int64: index of the stage, `stands` or `wrong`
  Tensor target;                     // N int64: the class that stage aimed at; -1 for none
  Tensor adversarial;  // N x shape of the images; the image itself where none is known
  Tensor margin;       // N: the least z_y - max_k z_k that image or attacks found
  PassCount passes;    // of all stages
};

// A run that can stop and go on: what is known, and what the last stage begun has still to attack.
struct EnsembleState {
  EnsembleResult result;
  Tensor pending;                 // int64: samples
  int64_t repetition = 0;         // of the stage, from 0
  int64_t repeated_attacked = 0;  // in this repetition
  int64_t repeated_felled = 0;
};

struct EnsembleOptions {
  Context context{};                    // progress counts samples times stages
  std::optional<EnsembleState> from{};  // to go on from
  // Called after every block of a stage: at most 500 samples.
  std::function<void(const EnsembleState& state)> checkpoint{};
};

// What is known before any attack. samples: images of N x any shape that fits the network.
EnsembleState begin_ensemble(const Network& network, const Samples& samples);

// Runs the stages on the samples that are answered right. What a stage claims counts if it lies in
// the attack's ball and in the box [0, 1] and the network, asked again, does not answer the label.
// A stopped run that goes on from its state gives what it would have given.
EnsembleResult run_ensemble(const Network& network, const Samples& samples,
                            const std::vector<Stage>& stages, const EnsembleOptions& options = {});

// AutoAttack, standard version (Croce and Hein 2020, "Reliable evaluation of adversarial robustness
// with an ensemble of diverse parameter-free attacks"): Auto-PGD with cross-entropy, targeted
// Auto-PGD, targeted FAB, Square, as "apgd-ce", "apgd-t", "fab-t" and "square". The defaults are
// the published ones.
struct AutoattackOptions {
  int64_t iterations = 100;  // of the first three, for each target
  int64_t targets = 9;
  int64_t square_queries = 5000;
};

// Throws Error for a network of fewer than 4 classes.
std::vector<Stage> autoattack_stages(const Network& network, const Ball& ball,
                                     const AutoattackOptions& options = {});

// A cascade of the strength of AutoAttack at a fiftieth of its cost. The nearest-class attack on
// all, then longer and more often on fewer and fewer of those that came closest to falling; on the
// last few targeted Auto-PGD (from 4 classes on) and Square (on images), as others who search
// differently. A stage that fells more than a fifth of what it attacks goes on. `images`: starts
// lead towards them; M x any shape that fits the network.
std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images);

}  // namespace reluctance
