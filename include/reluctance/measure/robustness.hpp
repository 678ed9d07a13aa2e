// Robust accuracy over all budgets in one run.
#pragma once

#include <cstdint>
#include <vector>

#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

struct RobustnessCurve {
  struct Point {
    double budget;  // radius of the ball
    Share robust;   // images whose nearest known adversarial example lies farther
  };
  Norm norm;
  NearestResult nearest;  // by nearest_points: upper bounds, so that the curve is one, too
  std::vector<Point> points;
};

// 40 budgets in equal steps from 0 to where 95% of the distances lie, where any image is answered
// right. samples: images of N x any shape that fits the network. `progress` as of nearest_points.
RobustnessCurve robustness_curve(const Network& network, const Samples& samples,
                                 const NearestPointOptions& options, const Context& context = {});

}  // namespace reluctance
