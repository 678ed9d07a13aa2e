// Auto-PGD: projected gradient ascent with momentum that chooses its own step size (Croce and Hein
// 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
// attacks", section 4).
#pragma once

#include <cstdint>
#include <vector>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

enum class ApgdLoss { cross_entropy, dlr };

// The defaults are those of AutoAttack's standard version.
struct ApgdOptions {
  Ball ball{Norm::linf, 0.1};
  ApgdLoss loss = ApgdLoss::cross_entropy;
  int64_t iterations = 100;
  int64_t restarts = 1;  // random starts; later ones only on samples that still stand
};

// Raises the loss of every sample until it is answered wrong. images: N x input shape, labels: N.
// The result's `adversarial` holds the images themselves where `success` is false. Deterministic
// for a seed and thread count. `progress` counts samples times restarts. Throws Error for DLR with
// fewer than 3 classes.
AttackResult run_apgd(const Network& network, const Tensor& images, const Tensor& labels,
                      const ApgdOptions& options, std::uint64_t seed = 0,
                      const Progress& progress = {});

struct TargetedApgdOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t targets = 9;  // classes tried, the most probable first; at most C - 1 are
  int64_t iterations = 100;
  int64_t restarts = 1;  // for each target
};

// The same towards one class after the other, by the targeted DLR loss. `progress` counts samples
// times targets times restarts. Throws Error for fewer than 4 classes.
AttackResult run_targeted_apgd(const Network& network, const Tensor& images, const Tensor& labels,
                               const TargetedApgdOptions& options, std::uint64_t seed = 0,
                               const Progress& progress = {});

// The iterations w_1 < w_2 < ... after which the step size may be halved: w_j = ceil(p_j *
// iterations) with p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06).
std::vector<int64_t> apgd_checkpoints(int64_t iterations);

}  // namespace reluctance
