// Claim 2: an attack strengthens the influence of unconfident samples with large gradient norms,
// exponentially.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/claims/claim.hpp"
#include "reluctance/measure/influence.hpp"

namespace reluctance {

Claim influence_claim();

// Theory and measurement side by side under one attack, for N samples. Everything is float64.
struct InfluenceComparison {
  InfluenceMeasurement measured;
  Tensor boost_quadratic;  // N; NaN where out of range
  Tensor boost_region;     // N
  Tensor kappa;            // N: the rate at which the boost grows with beta in the beginning
  Tensor logits;           // N x C, before

  // N each, by the names that files use.
  NamedTensors arrays() const;
};
// Throws Error for an attack that the theory cannot follow: in L1, or on another loss than
// cross-entropy.
InfluenceComparison compare_influence(const Network& network, const Samples& samples,
                                      const GradientAscent& attack, const Progress& progress = {});

struct InfluenceOptions {
  int64_t steps = 20;                      // of every attack
  int64_t strengths = 6;                   // of the raw attack
  std::vector<double> l2{0.25, 0.5, 1.0};  // radii
  std::vector<double> linf{0.01, 0.03, 0.1};
  int64_t examples = 10;  // images to show
};

enum class Regime { concentrates, evens_out, unchanged };
std::string to_string(Regime regime);

struct InfluenceStrength {
  GradientAscent attack;
  double fooled;               // share of the initially right images
  double gates_flipped_share;  // of all gates of all images
  std::optional<Quantiles> effective_beta, boost_measured, boost_quadratic, boost_region;
  double outside_range;
  double rank_quadratic, rank_region;  // Spearman against the measured boost
  Interval slope;                      // of log boost over effective beta times kappa
  Concentration clean, adversarial;    // of the parameter-gradient norms
  Interval change;                     // of the effective share
  Regime regime;
};

struct InfluencePoint {
  int64_t label;
  double confidence, kappa, measured, quadratic, region, clean_norm, adversarial_norm;
};
struct InfluenceCloud {
  double beta;
  std::vector<InfluencePoint> points;
};

struct InfluenceExample {
  int64_t sample, prediction, attacked_prediction;
  InfluencePoint point;
  int64_t rank_clean, rank_adversarial;  // of the gradient norm, from 1
  Tensor clean, real;                    // input shape
};

struct InfluenceResult {
  int64_t samples, steps;
  double fooled_half_beta;
  bool fools_half;
  std::vector<InfluenceStrength> strengths;
  std::vector<InfluenceCloud> clouds;
  std::vector<InfluenceExample> examples;  // under the strongest raw attack
  Tensor boost;                            // N: measured under the strongest raw attack
  Outcome outcome;
  // The arrays of a comparison under each attack (A), A x N; and `attack`, A x 2: its norm (0 raw,
  // 1 L2, 2 L-infinity) and its strength, beta or epsilon.
  NamedTensors arrays;
};

// Runs the whole claim on N samples. The seed is of the resampling; progress counts attacks.
InfluenceResult test_influence(const Network& network, const Samples& samples,
                               const InfluenceOptions& options, const Context& context = {});

// Beta of a raw attack, epsilon of one in a ball.
double strength_of(const GradientAscent& attack);

}  // namespace reluctance
