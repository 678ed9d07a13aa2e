// How attacks amplify a component of the gradient, as functions of its eigenvalue.
#pragma once

#include <cmath>
#include <cstdint>

namespace reluctance {

// psi(lambda) is the strength with which the attack has followed a component, psi(0) = beta. It is
// split as psi(lambda) = beta + lambda chi(lambda), so that nothing is divided by a small
// eigenvalue.

// chi for psi = (exp(beta lambda) - 1) / lambda.
inline double chi_limit(double lambda, double beta) {
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

// chi for psi = ((1 + alpha lambda)^m - 1) / lambda with alpha = beta / m.
inline double chi_steps(double lambda, double beta, int64_t steps) {
  const auto m = static_cast<double>(steps);
  const double alpha = beta / m;
  const double t = beta * lambda;
  if (t > 0.1) return (std::expm1(m * std::log1p(alpha * lambda)) - t) / (lambda * lambda);
  double sum = 0;
  double term = m * (m - 1) / 2 * alpha * alpha;  // binomial coefficients from the second on
  for (int k = 3; k < 20; ++k) {
    sum += term;
    term *= (m - k + 1) / k * alpha * lambda;
  }
  return sum;
}

}  // namespace reluctance
