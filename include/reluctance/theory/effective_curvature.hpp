// The curvature that adversarial training really feels.
//
// Adversarial training descends along the gradient at attacked inputs, and when the parameters move
// the attack moves too. The Jacobian of that gradient is
//
//   C_eff = H_tt + H_tx S H_xt,
//
// all second derivatives of the loss taken at the attacked input, where S says how the attack
// follows its own gradient:
//
//   raw attack of strength beta   S = psi(H_x), psi(lambda) = ((1 + alpha lambda)^m - 1) / lambda.
//                                 H_x is held along the path: the error grows with beta lambda
//   converged L2 attack           S = P (mu I - P H_x P)^-1 P, mu = ||g|| / radius; P takes out the
//                                 radial direction and the pixels that the box holds. Needs
//                                 mu > lambda_max(P H_x P), else the maximum is not strict
//   L2 attack of m steps alpha    S H_xt = D, the derivative of the iteration as it was run: with
//                                 eta = alpha / ||g|| each step D <- R (D + eta T (H_x D + H_xt
//                                 v)), all at the step's own point; T takes out the gradient's
//                                 direction, R shrinks what leaves the ball, takes out the radial
//                                 direction there and the pixels that the box clips. C_eff = H_tt +
//                                 H_tx D is not symmetric. A product costs m + 1 with the Hessian
//   converged L-infinity attack   S = 0 where pixels rest on their bound: C_eff = H_tt
//
// Each closed S above is positive semidefinite: following the attack adds curvature to the Hessian
// at the attacked images. About the one at clean images nothing follows, and the derivative of the
// steps has no such sign. With H_x = W W^T, W = J^T B of rank C - 1, S = P (a I + J^T Q
// J) P with a number a and a C x C matrix Q for each sample. Holding H_x, as a formula for stopped
// L2 attacks would, fails even where the attack has settled: gates flip on the way
// (docs/theory.md).
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "reluctance/curvature/operator.hpp"
#include "reluctance/curvature/samples.hpp"

namespace reluctance {

struct RawResponse {
  double beta;
  int64_t steps;
};

struct L2Response {
  double radius;
  Tensor clean;           // N x input shape: the images before the attack
  bool pixel_box = true;  // whether the attack kept pixels in [0, 1]
  // The iterates of the attack, m + 1 of N x input shape, and alpha; empty: it has converged.
  std::vector<Tensor> path{};
  double step_size = 0;
};

using AttackResponse = std::variant<RawResponse, L2Response>;

class L2Path;

class EffectiveCurvature {
 public:
  // `attacked` holds the samples at their attacked inputs. `memory`: bytes that its products may
  // share beside those of `attacked`.
  EffectiveCurvature(CurvatureSamplesPtr attacked, const AttackResponse& response,
                     int64_t memory = default_curvature_memory);

  LinearOperator matrix() const;

  // v^T C_i v for each sample's own C_i, whose mean is C_eff: N, float64.
  Tensor sample_curvatures(const Tensor& v) const;

  // N booleans: the attack has settled on a strict maximum on its ball, or is raw. Otherwise its
  // gradient vanishes or the maximum is not strict; there a converged S is taken as zero.
  const Tensor& smooth() const { return smooth_; }

 private:
  struct Parts;  // a, Q and P of all samples

  CurvatureSamplesPtr samples_;
  std::shared_ptr<const Parts> parts_;  // of a closed form; or
  std::shared_ptr<const L2Path> path_;  // of an attack that is followed step by step
  Tensor smooth_;
};

}  // namespace reluctance
