// The sweep over strengths of claim 1: per-sample comparisons, summarised by quantiles.
#pragma once

#include <vector>

#include "claims/dynamics_classes.hpp"
#include "reluctance/claims/dynamics.hpp"

namespace reluctance {

// How samples are cut for comparisons: the Jacobians of a piece, in float64, stay in a core's
// cache, or fit a GPU.
Chunks dynamics_chunks(const Network& network, int64_t count, ProgressCounter* progress = nullptr);

// Share of gates that the real attack flips, for each sample, on all threads. beta: a strength for
// each (N).
Tensor raw_attack_gates_flipped(const Network& network, const Samples& samples, const Tensor& beta,
                                int64_t steps);

// Strengths to sweep: samples, what the theory follows of them, the fooling strength of each (N,
// float64), and shares of it, ascending to 1.
struct DynamicsSweep {
  const Samples& samples;
  const Followed& theory;
  const Tensor& strengths;
  const std::vector<double>& relative;
};

// A result with the spectrum, the sweep, the segment errors and the arrays of these samples.
DynamicsResult sweep_dynamics(const Network& network, const DynamicsSweep& sweep,
                              const DynamicsOptions& options, const Progress& progress);

}  // namespace reluctance
