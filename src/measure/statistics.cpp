#include "reluctance/measure/statistics.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace reluctance {

std::optional<Quantiles> quantiles(const Tensor& values) {
  const Tensor all = values.to(at::kCPU, at::kDouble);
  const Tensor finite = all.masked_select(all.isfinite());
  if (finite.numel() == 0) return std::nullopt;
  const Tensor at = at::quantile(finite, at::tensor({0.05, 0.25, 0.5, 0.75, 0.95}, at::kDouble));
  const double* q = at.data_ptr<double>();
  return Quantiles{q[0], q[1], q[2], q[3], q[4]};
}

Share share(int64_t successes, int64_t samples) {
  if (samples == 0) return {0, 0, 1, 0};
  constexpr double z = 1.959963984540054;  // 97.5% point of the normal distribution
  const auto n = static_cast<double>(samples);
  const double p = static_cast<double>(successes) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {p, std::max(0.0, centre - half), std::min(1.0, centre + half), samples};
}

}  // namespace reluctance
