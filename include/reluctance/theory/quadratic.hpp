// The perturbation that a multi-step attack makes, from the loss expanded to second order
// (Cheng et al. 2022). With step size alpha, m steps and beta = alpha m:
//
//   delta_m   = sum_i ((1 + alpha lambda_i)^m - 1) / lambda_i  gamma_i v_i
//   delta_inf = sum_i (exp(beta lambda_i) - 1) / lambda_i      gamma_i v_i      (m -> infinity)
#pragma once

#include <cstdint>

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

struct QuadraticSolution {
  Tensor coefficients;  // N x C, float64: delta = J^T c; zero where out of range
  Tensor in_range;  // N booleans. False where beta lambda_1 exceeds `quadratic_range`: the solution
                    // grows like exp(beta lambda_1) and means nothing there
};

// Growth factors up to exp(300): their squares, for norms, still fit float64.
inline constexpr double quadratic_range = 300.0;

QuadraticSolution quadratic_attack(const LinearRegion& region, double beta, int64_t steps);
// The same with a strength for each sample (N, float64), such as normalised attacks have.
QuadraticSolution quadratic_attack(const LinearRegion& region, const Tensor& beta, int64_t steps);

QuadraticSolution quadratic_attack_limit(const LinearRegion& region, double beta);

}  // namespace reluctance
