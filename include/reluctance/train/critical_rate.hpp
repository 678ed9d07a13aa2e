// The learning rate at which full-batch training stops being stable, found by training.
//
// The loss is tilted by a linear term that makes the given network stand still: its gradient is
// g(theta) - g(theta_0), the attack run anew at every theta. A tilt changes no curvature, and
// without it the network would have moved on before an oscillation shows. Training then starts
// beside the network, displaced along the change of the gradient: below the critical rate the
// oscillation around the network dies out, above it grows. Nothing here knows of curvature; the
// theory predicts 2 / lambda_max, with momentum mu 2 (1 + mu) / lambda_max.
#pragma once

#include <cstdint>
#include <optional>

#include "reluctance/train/trainer.hpp"

namespace reluctance {

struct CriticalRateOptions {
  Objective objective{};  // its attack without random start
  double momentum = 0;
  // Of the displacement, relative to the length of the parameters: a hair, so that hardly a gate
  // stands in its way. At 1e-2, on a perceptron, the gates in its way made the curvature several
  // times larger.
  double displacement = 1e-9;
  int64_t steps = 40;       // of each training
  double precision = 0.02;  // of the rate, relative
  // Its seed is of the direction in which the gradient's change is asked first; progress counts
  // trainings.
  Context context{};
};

// By bisection on the rate's logarithm. network and samples, inputs of it, in float64: differences
// of gradients are taken. Nothing if no rate up to 1e6 is unstable, or none down to 1e-6 is stable.
std::optional<double> measured_critical_rate(const Network& network, const Samples& samples,
                                             const CriticalRateOptions& options);

}  // namespace reluctance
