#include "reluctance/theory/binary.hpp"

#include <algorithm>
#include <cmath>

namespace reluctance {

double log_wright_omega(double y) {
  // Newton's method on f(v) = exp(v) + v - y, which is convex and increasing: after the first step
  // the iterates fall monotonically to the root. The start is close on both sides.
  double v = y > 1 ? std::log(y) : y;
  for (int iteration = 0; iteration < 100; ++iteration) {
    const double e = std::exp(v);
    const double step = (e + v - y) / (e + 1);
    v -= step;
    if (std::abs(step) <= 1e-16 * std::max(1.0, std::abs(v))) break;
  }
  return v;
}

double binary_margin(double initial_margin, double squared_gradient_norm, double tau) {
  // Here exp(-a_0) overflows, and the gradient sigmoid(a_0) is too small to move the margin.
  if (initial_margin < -700) return initial_margin;
  return -log_wright_omega(std::exp(-initial_margin) - initial_margin -
                           squared_gradient_norm * tau);
}

}  // namespace reluctance
