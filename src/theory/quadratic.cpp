#include "reluctance/theory/quadratic.hpp"

#include <cmath>

#include "class_space.hpp"
#include "curvature/dense.hpp"
#include "growth.hpp"

namespace reluctance {
namespace {

// The solution is delta = sum_i psi(lambda_i) gamma_i v_i. With psi(lambda) = beta + lambda
// chi(lambda), and sum_i gamma_i v_i = g = J^T s,
//
//   c = beta s + B U chi(Lambda) U^T B^T K s,
//
// where nothing is divided by a small eigenvalue or by a small probability.

// `growth(lambda, beta)` is the exponent by which a component grows.
template <typename Growth, typename Chi>
QuadraticSolution solve(const LinearRegion& region, const Tensor& strengths, const Growth& growth,
                        const Chi& chi) {
  const int64_t samples = region.count();
  const Tensor factors = region.loss.hessian_factor(region.logits);
  const Tensor s = region.logit_gradient();
  QuadraticSolution solution{at::zeros_like(s), at::ones({samples}, at::kBool)};
  const Tensor contiguous = strengths.contiguous();
  const double* betas = contiguous.data_ptr<double>();
  bool* in_range = solution.in_range.data_ptr<bool>();
  for_each_sample(samples, [&](int64_t i) {
    const Matrix factor = matrix_of(factors, i);
    const auto gram = matrix_of(region.gram, i);
    const SymmetricEigen eigen = symmetric_eigen(factor.transpose() * gram * factor);
    const Vector lambda = eigen.values.cwiseMax(0.0);
    const double beta = betas[i];
    if (growth(lambda.maxCoeff(), beta) > quadratic_range) {
      in_range[i] = false;
      return;
    }
    const auto gradient = vector_of(s, i);
    const Vector pulled = eigen.vectors.transpose() * (factor.transpose() * (gram * gradient));
    const Vector weights = lambda.unaryExpr([&](double each) { return chi(each, beta); });
    vector_of(solution.coefficients, i) =
        beta * gradient + factor * (eigen.vectors * weights.cwiseProduct(pulled));
  });
  return solution;
}

}  // namespace

QuadraticSolution quadratic_attack(const LinearRegion& region, const Tensor& beta, int64_t steps) {
  const auto m = static_cast<double>(steps);
  return solve(
      region, beta, [=](double lambda, double b) { return m * std::log1p(b / m * lambda); },
      [=](double lambda, double b) { return chi_steps(lambda, b, steps); });
}

QuadraticSolution quadratic_attack(const LinearRegion& region, double beta, int64_t steps) {
  return quadratic_attack(region, at::full({region.count()}, beta, at::kDouble), steps);
}

QuadraticSolution quadratic_attack_limit(const LinearRegion& region, double beta) {
  return solve(
      region, at::full({region.count()}, beta, at::kDouble),
      [](double lambda, double b) { return b * lambda; }, chi_limit);
}

}  // namespace reluctance
