// The perturbation of a multi-step attack, exact inside the linear region.
//
// Gradient ascent on the loss of an affine network is a recursion of C numbers, with no expansion:
//
//   c_{t+1} = c_t + alpha s(z + K c_t),   delta_t = J^T c_t
//
// It saturates as the true loss does, where the quadratic solution explodes.
#pragma once

#include <cstdint>

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

// Raw attack of `steps` steps of size beta / steps. Returns c: N x C, float64.
Tensor region_attack(const LinearRegion& region, double beta, int64_t steps);

// The same with a strength for each sample (N, float64).
Tensor region_attack(const LinearRegion& region, const Tensor& beta, int64_t steps);

// Its limit of infinitely many steps, dc/dtau = s(z + K c) for tau in [0, beta], integrated to a
// relative tolerance of 1e-10. NaN where it grows beyond all numbers, as that of squared error can.
Tensor region_attack_limit(const LinearRegion& region, double beta);

// Steps of fixed length in a ball around the image.
struct BallSteps {
  double step_size;  // alpha
  int64_t steps;
  double radius;          // infinity: no ball
  bool pixel_box = true;  // kept in [0, 1]
};

// Steps along the gradient, in the L2 ball. ||J^T s||^2 = s^T K s, so norms too are C-dimensional;
// the box is not, and is left out whatever `pixel_box` says. Returns c: N x C, float64.
Tensor region_attack_l2(const LinearRegion& region, const BallSteps& ball);

// Steps along the sign of the gradient from x (N x input shape, the samples of the region), in the
// L-infinity ball. Signs leave the range of J^T, but a step costs only two products with J. Returns
// delta: N x input shape, float64.
Tensor region_attack_linf(const Network& network, const LinearRegion& region, const Tensor& x,
                          const BallSteps& ball);

}  // namespace reluctance
