// Claim 1: the perturbation of a multi-step attack has an analytic solution, and it strengthens the
// top eigenvectors of the input Hessian.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/claims/claim.hpp"
#include "reluctance/measure/statistics.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

Claim dynamics_claim();

// Theory and measurement side by side at one strength, for N samples. Everything is float64 and on
// the CPU; the work is done where the network is, and the samples may be anywhere.
struct DynamicsComparison {
  Tensor logits;              // N x C, of the classes that the theory follows
  Tensor eigenvalues;         // N x (C-1), descending
  Tensor delta_real;          // N x n
  Tensor delta_quadratic;     // N x n; zero where out of range
  Tensor quadratic_in_range;  // N booleans
  Tensor delta_region;        // N x n
  Tensor gates_flipped;       // N, share
  Tensor fooled;              // N booleans: right before, wrong after
  int64_t left_out;           // of the network's classes: beyond 100, those that no sample needs to
                              // hold all but 1e-6 of its probability

  Tensor error_quadratic() const;  // N: ||theory - real|| / ||real||; NaN where out of range
  Tensor error_region() const;
  NamedTensors arrays() const;  // all up to gates_flipped, by their names
};

struct DynamicsOptions {
  int64_t steps = 50;      // of every attack
  int64_t strengths = 12;  // in the sweep, from "barely moves" to "fools half"
  int64_t segments = 8;    // of the re-linearised solution in the sweep
  int64_t examples = 6;    // images to show
  int64_t memory = std::numeric_limits<int64_t>::max();  // bytes that the theory may take
};

// Steps and memory of the options count. Throws Error if the memory is too little.
DynamicsComparison compare_dynamics(const Network& network, const Samples& samples, double beta,
                                    const DynamicsOptions& options, const Progress& progress = {});

// Error and cosine of one theory against the real perturbation.
struct Agreement {
  std::optional<Quantiles> error;  // ||theory - real|| / ||real||
  std::optional<Quantiles> cosine;
};

// How the gradient's component along one eigenvector has grown.
struct Growth {
  std::optional<Quantiles> predicted;  // (1 + alpha lambda)^m
  std::optional<Quantiles> measured;   // v . g(x + delta) / v . g(x)
};

struct DynamicsStrength {
  double beta;
  std::optional<Quantiles> beta_lambda;    // beta times the top eigenvalue
  double fooled;                           // share of the initially right images
  double gates_flipped_share;              // of all gates of all images
  std::optional<Quantiles> gates_flipped;  // share of an image's gates
  std::optional<Quantiles> norm;           // L2 norm of the real perturbation
  Agreement quadratic, region, segments;
  double outside_range;  // share of images whose quadratic solution overflows
  // Share of the squared norm in the span of the top 1, 2, 3 eigenvectors.
  std::vector<std::optional<Quantiles>> top_share_real, top_share_quadratic, top_share_region;
  std::vector<Growth> growth;  // of the top five components
  double turned;  // share of images with more in the top eigenvector than at the weakest strength
};

struct SegmentError {
  int64_t segments;
  std::optional<Quantiles> tangent, chord;
};

struct DynamicsExample {
  int64_t sample, label, prediction, attacked_prediction;
  double gates_flipped;
  double error_quadratic, error_region;   // not finite: out of range
  Tensor clean, real, quadratic, region;  // C x H x W or n
};

struct DynamicsResult {
  int64_t samples, steps, sweep_segments;
  double fooled_half_beta;
  bool fools_half;  // false: no strength that was tried does
  std::vector<std::optional<Quantiles>> spectrum;
  std::vector<DynamicsStrength> sweep;
  std::vector<SegmentError> segment_errors;  // at fooled_half_beta
  std::vector<DynamicsExample> examples;     // at fooled_half_beta
  int64_t left_out;                          // classes, as of DynamicsComparison
  Outcome outcome;
  // Of each image at each strength (S): `beta` (S) and, S x N each, `gates_flipped`, `norm` (of the
  // real perturbation), `fooled`, `error_quadratic` (NaN where out of range), `error_region` and
  // `error_segments`.
  NamedTensors arrays;
};

// Runs the whole claim on N samples, which may be anywhere, where the network is. `progress` counts
// samples times strengths. Throws as compare_dynamics.
DynamicsResult test_dynamics(const Network& network, const Samples& samples,
                             const DynamicsOptions& options, const Progress& progress = {});

}  // namespace reluctance
