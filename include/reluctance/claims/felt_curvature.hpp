// The curvature that training feels where it stands: that of its own gradient, the attack run anew
// at all parameters, and the samples that carry it.
#pragma once

#include <optional>

#include "reluctance/base/progress.hpp"
#include "reluctance/theory/effective_curvature.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

// An eigenvector of a curvature and the samples that carry it.
struct Carriers {
  double eigenvalue;
  int64_t half;   // smallest number of samples that hold half of the eigenvalue
  Tensor shares;  // N, float64: v^T C_i v / (N lambda); they sum to 1
};

// `curvatures`: v^T C_i v of each sample (N).
Carriers carriers_of(double eigenvalue, const Tensor& curvatures);

struct FeltCurvatureOptions {
  int64_t memory = default_curvature_memory;  // bytes that products may share
  Context context{};                          // of the attack
};

// Throws Error for training under an attack that no curvature is known for: in L1, or one that
// climbs another loss than training descends.
void require_known_curvature(const Objective& objective);

class FeltCurvature {
 public:
  // Runs the objective's attack once on the samples, inputs of the network, from the images
  // themselves. Throws Error as require_known_curvature does.
  FeltCurvature(const Network& network, const Samples& samples, const Objective& objective,
                const FeltCurvatureOptions& options = {});

  // The samples at their attacked images.
  const Samples& attacked() const { return at_->samples(); }

  // At the attacked images.
  LinearOperator hessian() const;
  LinearOperator gauss_newton() const;

  // The effective curvature. It is the Hessian without an attack, and in L-infinity, where pixels
  // rest on their bounds.
  LinearOperator effective() const;
  bool is_hessian() const { return !effective_; }

  // v^T C_i v of each sample's own part of the effective curvature, and of the others: N, float64.
  Tensor sample_curvatures(const Tensor& v) const;
  Tensor sample_hessians(const Tensor& v) const;
  Tensor sample_gauss_newton(const Tensor& v) const;

  // N booleans: the attack has settled (theory/effective_curvature.hpp).
  Tensor smooth() const;

 private:
  CurvatureSamplesPtr at_;
  std::optional<EffectiveCurvature> effective_;
};

// What stands in for the largest effective curvature in L-infinity, where the gradient g jumps at
// every sign that flips: of swings that reproduce themselves, S(v) = lambda v at the length |v| =
// width times that of the parameters, S(v) = (g(theta + v) - g(theta - v)) / 2 with the attack run
// anew, the largest lambda, by twelve steps of shifted power iteration from `start` (P). Jumps
// average out, but not all: the last four steps differ by some hundredths, and their mean is
// returned. Not a number where no swing reproduces itself: more of S(v) lies across v than along
// it.
double swing_curvature(const Network& network, const Samples& samples, const Objective& objective,
                       const Tensor& start, double width);
inline constexpr double swing_width = 1e-3;  // where the claims and the diagnosis ask for it

// Whether training is under an L-infinity attack, of which the effective curvature says nothing.
bool is_linf(const std::optional<GradientAscent>& attack);

}  // namespace reluctance
