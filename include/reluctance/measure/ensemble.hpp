// Several attacks one after the other, each on what the ones before it left standing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reluctance/attack/attack.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// One attack of an ensemble. It gets the samples that still stand: n x the shape of the images, and
// their labels, on the network's device.
struct Stage {
  std::string name;  // "apgd-ce"
  std::function<AttackResult(const Network& network, const Tensor& images, const Tensor& labels,
                             std::uint64_t seed, const Progress& progress)>
      attack;
};

struct StageOutcome {
  std::string name;
  int64_t attacked;  // samples that stood before it; 0: it was not run
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
  PassCount passes;    // of all stages
};

// Runs the stages on the samples that are answered right. What a stage claims counts if it lies in
// `ball` and in the box [0, 1] and the network, asked again, does not answer the label. images: N x
// any shape that fits the network, labels: N (int64). Stage i gets the seed of place i. `progress`
// counts samples times stages.
EnsembleResult run_ensemble(const Network& network, const Tensor& images, const Tensor& labels,
                            const Ball& ball, const std::vector<Stage>& stages,
                            std::uint64_t seed = 0, const Progress& progress = {});

// AutoAttack, standard version (Croce and Hein 2020, "Reliable evaluation of adversarial robustness
// with an ensemble of diverse parameter-free attacks"): Auto-PGD with cross-entropy, targeted
// Auto-PGD, targeted FAB, Square, as "apgd-ce", "apgd-t", "fab-t" and "square". The defaults are
// the published ones.
struct AutoattackOptions {
  int64_t iterations = 100;  // of the first three, for each target
  int64_t targets = 9;
  int64_t square_queries = 5000;
};

// The stages for run_ensemble with the same ball. Throws Error for a network of fewer than 4
// classes.
std::vector<Stage> autoattack_stages(const Network& network, const Ball& ball,
                                     const AutoattackOptions& options = {});

// The region attack twice: "region" with its defaults fells what falls easily, "region-restarts"
// tries 3 classes, 20 steps and 3 starts on the rest.
std::vector<Stage> region_stages(const Ball& ball);

}  // namespace reluctance
