// Claim 3: adversarial training strengthens the curvature of the loss in the parameters, so they
// oscillate sooner, along the directions of a few samples.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/claims/claim.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/spectrum.hpp"
#include "reluctance/loss/loss.hpp"

namespace reluctance {

Claim curvature_claim();

struct CurvatureOptions {
  Loss loss = cross_entropy_loss();      // that training descends and its attacks climb
  std::vector<double> radii{0.5, 1.0};   // of the L2 attacks, beside vanilla training
  std::vector<double> linf_radii{0.05};  // of those in L-infinity
  int64_t attack_steps = 10;             // of 2.5 radius / steps each, without random start
  int64_t top = 5;                       // eigenpairs
  double tolerance = 1e-3;               // of their residuals, relative
  int64_t trace_probes = 8;
  int64_t density_probes = 2, density_steps = 30;
  std::vector<int64_t> settled{0};        // steps of full-batch training before rates are measured
  std::vector<double> momenta{0.0, 0.9};  // of vanilla training
  std::vector<double> attacked_momenta{0.0};
  int64_t examples = 6;                       // images to show for each condition
  int64_t memory = default_curvature_memory;  // bytes that products may share
};

struct CarrierExample {
  int64_t sample, label, prediction;
  double share;
  Tensor clean;
};

struct CurvatureOverlap {
  int64_t count, common;
  double by_chance;
};

// The curvatures at one kind of training.
struct CurvatureCondition {
  std::optional<GradientAscent> attack;  // none: vanilla
  double fooled, loss;
  Tensor smooth;  // N booleans
  Eigenpairs hessian, gauss_newton;
  std::optional<Eigenpairs> effective;
  TraceEstimate trace;
  std::vector<Carriers> carriers;
  std::optional<CurvatureOverlap> overlap;
  std::vector<CarrierExample> examples;
};

// What differences of gradients alone say (train/critical_rate.hpp).
struct TriedCurvature {
  double largest, smallest;  // real parts of the eigenvalues of the gradient's Jacobian
  bool smooth;               // false: the gradient jumps at the smallest displacements
  double secant;             // beyond the linear piece: at a thousandth of the parameters' length
};

// Of swings within the linear piece that the parameters are in. Under an L-infinity attack, whose
// gradient jumps where a sign flips, that piece is of no use, and the rate is that of swings a
// thousandth of the parameters' length wide, predicted by the largest secant curvature there.
struct CriticalRate {
  std::optional<Ball> ball;  // of the attack; none: vanilla
  int64_t settled;
  double width;  // of the swings, relative to the parameters' length; 0: within the piece
  double momentum, hessian, predicted;
  std::optional<double> measured;
  TriedCurvature tried;
};

struct CurvatureResult {
  std::string data;  // name of the batch; left to the caller
  std::string loss;  // name of the one whose curvature this is
  int64_t samples;
  std::vector<CurvatureCondition> conditions;
  std::vector<CriticalRate> rates;
  SpectralDensity density;  // of the vanilla Hessian
  Outcome outcome;

  // Of each condition (M of them): `radius`, `linf`, `eigenvalues` (M x K), `sample_share`
  // (M x K x N) and `smooth` (M x N). Eigenvectors that were not found are NaN.
  NamedTensors arrays() const;
};

// Runs the whole claim on one batch of N samples. Progress gets shares of the work, in thousandths.
CurvatureResult test_curvature(const Network& network, const Samples& samples,
                               const CurvatureOptions& options, const Context& context = {});

// "vanilla", or "l2, epsilon 0.5".
std::string name_of(const std::optional<Ball>& ball);

}  // namespace reluctance
