// The sweep over strengths of claim 1: per-sample comparisons, summarised by quantiles.
#pragma once

#include <vector>

#include "claims/dynamics_classes.hpp"
#include "reluctance/claims/dynamics.hpp"

namespace reluctance {

// How samples are cut for comparisons: the Jacobians of a piece, in float64, stay in a core's
// cache, or fit a GPU.
Chunks dynamics_chunks(const Network& network, int64_t count, ProgressCounter* progress = nullptr);

// Share of gates that the real attack flips, for each sample, on all threads.
Tensor raw_attack_gates_flipped(const Network& network, const Samples& samples, double beta,
                                int64_t steps);

// What is compared: the network that is measured, and what the theory follows of it.
struct Compared {
  const Network& network;
  const Samples& samples;  // its inputs
  const Followed& theory;
};

// A result with the spectrum, the sweep, the segment errors and the arrays. The last strength is
// the one that the segments are counted at.
DynamicsResult sweep_dynamics(const Compared& compared, const std::vector<double>& betas,
                              const DynamicsOptions& options, const Progress& progress);

}  // namespace reluctance
