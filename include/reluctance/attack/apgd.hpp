// Auto-PGD: projected gradient ascent with momentum that chooses its own step size (Croce and Hein
// 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
// attacks", section 4), in L1 also how many pixels a step changes (Croce and Hein 2021, "Mind the
// box: l1-APGD for sparse adversarial attacks on image classifiers").
#pragma once

#include <cstdint>
#include <vector>

#include "reluctance/attack/attack.hpp"
#include "reluctance/loss/loss.hpp"

namespace reluctance {

struct ApgdOptions {
  Ball ball{Norm::linf, 0.1};
  Loss loss = cross_entropy_loss();
  int64_t iterations = 100;
  int64_t targets = 0;  // classes aimed at, at most C - 1; 0: untargeted
  // Of the targets, those that the linear region around the image says are near, out of this many
  // of the most probable; 0: the most probable first.
  int64_t candidates = 0;
  int64_t restarts = 1;  // random starts, for each target; later ones only on what still stands
};

// Raises the loss of every sample until it is answered wrong: "apgd-ce", "apgd-dlr", or "apgd-t"
// with targets. Its run throws Error for the DLR loss with fewer than 3 classes, targeted fewer
// than 4.
Attack apgd_attack(const ApgdOptions& options);

// What AutoAttack's standard version runs: from one start, in L1 from five; targeted with the DLR
// loss at 9 classes, in L1 at 5.
ApgdOptions published_apgd(const Ball& ball, const Loss& loss);
ApgdOptions published_targeted_apgd(const Ball& ball);

// MALT (Melamed, Yehudai, Shamir 2024, "MALT powers up adversarial attacks"): targeted Auto-PGD
// towards the 9 classes of the least linear distance, out of the 100 most probable, as "malt". The
// distance is that of the ball's own norm.
Attack malt_attack(const Ball& ball);

// What one run consists of: in L1 three ascents, each from the best point of the last, in balls of
// three, two and one times the radius with 30, 30 and 40% of the iterations; elsewhere one.
struct ApgdStage {
  Ball ball;
  int64_t iterations;
};
std::vector<ApgdStage> apgd_stages(const Ball& ball, int64_t iterations);

// Of runs in L-infinity and L2: the iterations w_1 < w_2 < ... after which the step size may be
// halved: w_j = ceil(p_j * iterations) with p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1)
// - 0.03, 0.06).
std::vector<int64_t> apgd_checkpoints(int64_t iterations);

}  // namespace reluctance
