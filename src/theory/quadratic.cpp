#include "reluctance/theory/quadratic.hpp"

#include <Eigen/Eigenvalues>

#include <cmath>
#include <functional>
#include <utility>

#include "class_space.hpp"
#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

// The solution is delta = sum_i psi(lambda_i) gamma_i v_i with psi(0) = beta. Split psi as
// psi(lambda) = beta + lambda chi(lambda): since sum_i gamma_i v_i = g = J^T s,
//
//   c = beta s + B U chi(Lambda) U^T B^T K s,
//
// where nothing is divided by a small eigenvalue or by a small probability.

// chi for (exp(beta lambda) - 1) / lambda.
double chi_limit(double lambda, double beta) {
  const double t = beta * lambda;
  if (t > 0.1) return (std::expm1(t) - t) / (lambda * lambda);
  double sum = 0;
  double term = beta * beta / 2;  // beta^2 (1/2! + t/3! + t^2/4! + ...)
  for (int k = 3; k < 20; ++k) {
    sum += term;
    term *= t / k;
  }
  return sum;
}

// chi for ((1 + alpha lambda)^m - 1) / lambda.
double chi_steps(double lambda, double alpha, int64_t steps) {
  const auto m = static_cast<double>(steps);
  const double t = alpha * m * lambda;
  if (t > 0.1) return (std::expm1(m * std::log1p(alpha * lambda)) - t) / (lambda * lambda);
  double sum = 0;
  double term = m * (m - 1) / 2 * alpha * alpha;  // binomial coefficients from the second on
  for (int k = 3; k < 20; ++k) {
    sum += term;
    term *= (m - k + 1) / k * alpha * lambda;
  }
  return sum;
}

// `growth(lambda)` is the exponent by which a component grows.
QuadraticSolution solve(const LinearRegion& region, const Tensor& labels, double beta,
                        const std::function<double(double)>& growth,
                        const std::function<double(double)>& chi) {
  const int64_t samples = region.logits.size(0);
  const Tensor factors = logit_hessian_factor(region.logits);
  const Tensor s = logit_gradient(region.logits, labels.to(at::kCPU));
  QuadraticSolution solution{at::zeros_like(s), at::ones({samples}, at::kBool)};
  bool* in_range = solution.in_range.data_ptr<bool>();
  for_each_sample(samples, [&](int64_t i) {
    const Matrix factor = matrix_of(factors, i);
    const auto gram = matrix_of(region.gram, i);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(factor.transpose() * gram * factor);
    const Vector lambda = solver.eigenvalues().cwiseMax(0.0);
    if (growth(lambda.maxCoeff()) > quadratic_range) {
      in_range[i] = false;
      return;
    }
    const auto gradient = vector_of(s, i);
    const Vector pulled =
        solver.eigenvectors().transpose() * (factor.transpose() * (gram * gradient));
    vector_of(solution.coefficients, i) =
        beta * gradient +
        factor * (solver.eigenvectors() * lambda.unaryExpr(chi).cwiseProduct(pulled));
  });
  return solution;
}

}  // namespace

QuadraticSolution quadratic_attack(const LinearRegion& region, const Tensor& labels, double beta,
                                   int64_t steps) {
  const auto m = static_cast<double>(steps);
  const double alpha = beta / m;
  return solve(
      region, labels, beta, [=](double lambda) { return m * std::log1p(alpha * lambda); },
      [=](double lambda) { return chi_steps(lambda, alpha, steps); });
}

QuadraticSolution quadratic_attack_limit(const LinearRegion& region, const Tensor& labels,
                                         double beta) {
  return solve(
      region, labels, beta, [=](double lambda) { return beta * lambda; },
      [=](double lambda) { return chi_limit(lambda, beta); });
}

}  // namespace reluctance
