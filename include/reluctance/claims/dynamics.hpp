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

// Theory and measurement side by side, for N samples at a strength each. Everything is float64 and
// on the CPU; the work is done where the network is, and the samples may be anywhere.
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
  int64_t strengths = 12;  // in the sweep, from "barely moves" to each image's own fooling one
  int64_t examples = 6;    // images to show
  int64_t memory = std::numeric_limits<int64_t>::max();  // bytes that the theory may take
};

// beta: N, float64. Steps and memory of the options count. Throws Error if the memory is too
// little.
DynamicsComparison compare_dynamics(const Network& network, const Samples& samples,
                                    const Tensor& beta, const DynamicsOptions& options,
                                    const Progress& progress = {});

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

// Of the images that have a fooling strength, each at the same share of its own.
struct DynamicsStrength {
  double relative;                         // that share
  std::optional<Quantiles> beta;           // the strengths
  std::optional<Quantiles> beta_lambda;    // beta times the top eigenvalue
  double fooled;                           // share of the images
  double gates_flipped_share;              // of all gates of all images
  std::optional<Quantiles> gates_flipped;  // share of an image's gates
  std::optional<Quantiles> norm;           // L2 norm of the real perturbation
  double leaves_box;                       // share of images with pixels outside of [0, 1]
  std::optional<Quantiles> outside;        // L2 distance to that box, relative to the norm
  Agreement quadratic, region, segments;
  double outside_range;  // share of images whose quadratic solution overflows
  // Share of the squared norm in the span of the top 1, 2, 3 eigenvectors.
  std::vector<std::optional<Quantiles>> top_share_real, top_share_quadratic, top_share_region;
  std::vector<Growth> growth;  // of the top five components
  double turned;  // share of images with more in the top eigenvector than at the weakest strength
};

// The re-linearised solution at the fooling strengths; means over the images, against which the
// real attack takes as many passes of either kind as it has steps.
struct SegmentError {
  double tolerance;
  std::optional<Quantiles> error;
  double segments, forward, backward;
};

struct DynamicsExample {
  int64_t sample, label, prediction, attacked_prediction;
  double beta;  // its own fooling strength
  double gates_flipped;
  double error_quadratic, error_region;   // not finite: out of range
  Tensor clean, real, quadratic, region;  // C x H x W or n
};

struct DynamicsResult {
  int64_t samples, steps;
  int64_t right, fooled;  // images that are right, and those of them that have a fooling strength
  double tolerance;       // of the segments in the sweep
  std::vector<std::optional<Quantiles>> spectrum;
  std::vector<DynamicsStrength> sweep;
  std::vector<SegmentError> segment_errors;
  std::vector<DynamicsExample> examples;  // at their fooling strengths
  int64_t left_out;                       // classes, as of DynamicsComparison
  Outcome outcome;
  // `strength` (N): each image's smallest fooling one, NaN if it has none (wrong at first, or never
  // fooled); `relative` (S). Of each image at each share of it, S x N: `gates_flipped`, `norm` (of
  // the real perturbation), `error_quadratic`, `error_region`, `error_segments`; `top_share` (S x N
  // x 3) of the real perturbation. NaN without a strength; error_quadratic also where out of range.
  NamedTensors arrays;
};

// Runs the whole claim on N samples, which may be anywhere, where the network is. `progress` counts
// samples times strengths. Throws as compare_dynamics.
DynamicsResult test_dynamics(const Network& network, const Samples& samples,
                             const DynamicsOptions& options, const Progress& progress = {});

}  // namespace reluctance
