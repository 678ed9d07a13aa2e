#include "reluctance/measure/robustness.hpp"

#include <ATen/ATen.h>

#include "reluctance/network/folding.hpp"

namespace reluctance {

RobustnessCurve robustness_curve(const Network& network, const Samples& samples,
                                 const NearestPointOptions& options, const Context& context) {
  RobustnessCurve curve{
      options.norm, nearest_points(folded(network), samples, options, context), {}};
  const Tensor distance = curve.nearest.distance;
  const auto farthest = quantiles(distance.masked_select(distance.gt(0)));
  const double last = farthest ? farthest->q95 : 0;
  constexpr int steps = 40;
  for (int i = 0; i <= steps && (last > 0 || i == 0); ++i) {
    const double budget = last * i / steps;
    curve.points.push_back(
        {budget, share(distance.gt(budget).sum().item<int64_t>(), distance.size(0))});
  }
  return curve;
}

}  // namespace reluctance
