// The perturbation of a multi-step attack, exact inside the linear region.
//
// Gradient ascent on the loss of an affine network is a recursion of C numbers, with no expansion:
//
//   c_{t+1} = c_t + alpha s(z + K c_t),   delta_t = J^T c_t,   s = softmax - onehot
//
// It saturates as the true loss does, where the quadratic solution explodes.
#pragma once

#include <cstdint>

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

// Raw attack of `steps` steps of size beta / steps. Returns c: N x C, float64.
Tensor region_attack(const LinearRegion& region, const Tensor& labels, double beta, int64_t steps);

// The same with a strength for each sample (N, float64).
Tensor region_attack(const LinearRegion& region, const Tensor& labels, const Tensor& beta,
                     int64_t steps);

// Its limit of infinitely many steps, dc/dtau = s(z + K c) for tau in [0, beta], integrated to a
// relative tolerance of 1e-10.
Tensor region_attack_limit(const LinearRegion& region, const Tensor& labels, double beta);

// Steps of fixed length alpha along the gradient, kept in the L2 ball of the given radius
// (infinity: no ball) and out of no pixel box. ||J^T s||^2 = s^T K s, so norms too are
// C-dimensional.
Tensor region_attack_l2(const LinearRegion& region, const Tensor& labels, double alpha,
                        int64_t steps, double radius);

// Steps of alpha along the sign of the gradient from x (N x input shape, the samples of the
// region), kept in the L-infinity ball of the given radius and, with `pixel_box`, in [0, 1]. Signs
// leave the range of J^T, but a step costs only two products with J. Returns delta: N x input
// shape, float64.
Tensor region_attack_linf(const Network& network, const LinearRegion& region, const Tensor& x,
                          const Tensor& labels, double alpha, int64_t steps, double radius,
                          bool pixel_box = true);

}  // namespace reluctance
