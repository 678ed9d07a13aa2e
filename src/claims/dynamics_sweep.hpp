// The sweep over strengths of claim 1: per-sample comparisons, summarised by quantiles.
#pragma once

#include <vector>

#include "reluctance/claims/dynamics.hpp"

namespace reluctance {

// Samples that are compared at a time: their Jacobians, in float64, stay in a core's cache, or fit
// a GPU.
int64_t dynamics_chunk(const Network& network);

// Share of gates that the real attack flips, for each sample, on all threads.
Tensor raw_attack_gates_flipped(const Network& network, const Tensor& x, const Tensor& labels,
                                double beta, int64_t steps);

// Fills in the spectrum, the sweep and the segment errors of `result`. The last strength is the one
// that the segments are counted at.
void sweep_dynamics(const Network& network, const Tensor& x, const Tensor& labels,
                    const std::vector<double>& betas, const DynamicsOptions& options,
                    DynamicsResult& result, const Progress& progress);

}  // namespace reluctance
