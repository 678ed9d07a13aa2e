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

// One attack of an ensemble, on all samples that stand or, wave after wave, on as many of them as
// it pays: a wave is the tenth of them that the least margins and, for a quarter of it, chance
// choose. The stage goes on to the next wave while at least the share `pays` of a wave falls. It
// begins anew, with other random numbers, while that share of all the last time's fell, or it has
// made fewer than 50 attacks, which are no evidence. A wave is so large at least that all
// repetitions are evidence: fewer samples than that are attacked as often as the stage allows.
struct Stage {
  Attack attack;
  double pays = 0;          // 0: one wave of all samples
  int64_t repetitions = 1;  // at most
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
  static constexpr int64_t wrong = -2;  // answered wrong, or as the target, without any attack

  Share clean;
  Share robust;                      // after all stages
  std::vector<StageOutcome> stages;  // in their order
  Tensor felled_by;                  // N int64: index of the stage, `stands` or `wrong`
  Tensor target;                     // N int64: the class that stage aimed at; -1 for none
  Tensor adversarial;  // N x shape of the images; the image itself where none is known
  Tensor margin;       // N: the least of `margins` that image or attacks found
  PassCount passes;    // of all stages
};

// A run that can stop and go on: what is known, and what the last stage begun has still to attack.
struct EnsembleState {
  // What a wave, or all waves of a repetition, cost and brought.
  struct Yield {
    int64_t attacked = 0, felled = 0;
  };
  EnsembleResult result;
  Tensor pending;          // int64: samples of the wave that are still to be attacked
  Tensor tried;            // N booleans: in this repetition of the stage
  int64_t repetition = 0;  // of the stage, from 0
  Yield wave, whole;       // this wave; all of the repetition
};

struct EnsembleOptions {
  Context context{};                    // progress counts samples times stages
  std::optional<EnsembleState> from{};  // to go on from
  // Called after every block of a stage: at most 500 samples for each process.
  std::function<void(const EnsembleState& state)> checkpoint{};
};

// What is known before any attack. samples: images of N x any shape that fits the network.
EnsembleState begin_ensemble(const Network& network, const Samples& samples);

// Runs the stages on the samples that are answered right or, with targets, in another way than
// these. What a stage claims counts if it lies in the attack's ball and in its box, exactly
// as float64 reads it, and the network, asked again, does not answer the label, or answers the
// target. A stopped run that goes on from its state gives what it would have given.
EnsembleResult run_ensemble(const Network& network, const Samples& samples,
                            const std::vector<Stage>& stages, const EnsembleOptions& options = {});

// How many of the samples that fell the network in float64 still answers right at their adversarial
// example, or not as the target: there the rounding of its own type decides. `samples`: those of
// the result.
int64_t decided_by_rounding(const Network& network, const Samples& samples,
                            const EnsembleResult& result);

// AutoAttack, standard version (Croce and Hein 2020, "Reliable evaluation of adversarial robustness
// with an ensemble of diverse parameter-free attacks"; L1: 2021, "Mind the box"): Auto-PGD with
// cross-entropy, targeted Auto-PGD, targeted FAB, Square, as "apgd-ce", "apgd-t", "fab-t" and
// "square". The defaults are the published ones.
struct AutoattackOptions {
  int64_t iterations = 100;  // of the first three, for each target
  int64_t targets = 9;       // of the second, in L1, at most 5
  int64_t square_queries = 5000;
};

// Without the targeted Auto-PGD, whose loss needs them, below 4 classes.
std::vector<Stage> autoattack_stages(const Network& network, const Ball& ball,
                                     const AutoattackOptions& options = {});

// A cascade that gets near AutoAttack at a small part of its cost. The nearest-class attack on all,
// at the nearest classes and at all of them: no margin speaks of a class that was not tried. Then,
// as far as each pays, again and again from other starts, targeted Auto-PGD (from 4 classes on),
// Auto-PGD with cross-entropy and Square, as others who search differently. `images`: starts lead
// towards them; M x any shape that fits the network.
std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images);

// What goes on where that was not enough: the same search with more of everything, MALT's order of
// classes, targeted FAB.
std::vector<Stage> stronger_stages(const Network& network, const Ball& ball, const Tensor& images);

}  // namespace reluctance
