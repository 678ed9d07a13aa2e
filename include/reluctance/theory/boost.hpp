// How an attack boosts the influence of a sample on training.
//
// With its gates fixed, the gradient of any weight factors through the logit gradient s, so an
// attack acts on a sample's influence by s(x + delta) in place of s(x). The boost is the ratio of
// their lengths; the theory knows it from class space alone (Cheng et al. 2022, and exactly inside
// the region). In the binary case the quadratic boost is exp(beta kappa) with kappa = p (1 - p)
// ||dz/dx||^2: exponential in unconfidence times squared gradient norm.
#pragma once

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

// ||s(z + K c)|| / ||s(z)|| for the coefficients of a perturbation delta = J^T c, for example from
// region_attack: exact inside the region. N, float64; NaN where s(z) vanishes.
Tensor region_boost(const LinearRegion& region, const Tensor& coefficients);

// The same for any perturbation delta (N x input shape), such as region_attack_linf gives.
Tensor region_boost(const Network& network, const LinearRegion& region, const Tensor& delta);

// ||s + H_z K c|| / ||s||, the same with the loss expanded to second order, for the coefficients of
// quadratic_attack.
Tensor quadratic_boost(const LinearRegion& region, const Tensor& coefficients);

// kappa: the eigenvalues of M = B^T K B averaged over the energy of w = s / sqrt(p), the rate at
// which the quadratic boost grows in the beginning. Of cross-entropy with hard labels alone; throws
// Error for another loss. N, float64.
Tensor boost_rate(const LinearRegion& region);

}  // namespace reluctance
