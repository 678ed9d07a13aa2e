// Robust accuracy over all budgets in one run.
#pragma once

#include <cstdint>
#include <vector>

#include "reluctance/attack/region.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

struct RobustnessCurve {
  struct Point {
    double budget;  // radius of the ball, in pixels
    Share robust;   // images whose nearest known adversarial example lies farther
  };
  Norm norm;
  NearestResult nearest;  // by region_distances: upper bounds, so that the curve is one, too
  std::vector<Point> points;
};

// 40 budgets in equal steps from 0 to where 95% of the distances lie, where any image is answered
// right. images: N x any shape that fits the network; labels: N. `progress` as of region_distances.
RobustnessCurve robustness_curve(const Network& network, const Tensor& images, const Tensor& labels,
                                 Norm norm, std::uint64_t seed = 0, const Progress& progress = {});

}  // namespace reluctance
