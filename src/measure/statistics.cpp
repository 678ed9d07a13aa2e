#include "reluctance/measure/statistics.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

struct Pairs {
  Tensor x, y;
};

Pairs finite_pairs(const Tensor& x, const Tensor& y) {
  const Tensor a = x.to(at::kCPU, at::kDouble).flatten();
  const Tensor b = y.to(at::kCPU, at::kDouble).flatten();
  const Tensor finite = a.isfinite().logical_and(b.isfinite());
  return {a.masked_select(finite), b.masked_select(finite)};
}

// Ranks from 0, equal values sharing their mean rank.
Tensor mean_ranks(const Tensor& values) {
  const auto [sorted, order] = values.sort();
  Tensor ranks = at::empty_like(values);
  const double* v = sorted.data_ptr<double>();
  const int64_t* at = order.data_ptr<int64_t>();
  auto* out = ranks.data_ptr<double>();
  const int64_t count = values.size(0);
  for (int64_t begin = 0; begin < count;) {
    int64_t end = begin + 1;
    while (end < count && v[end] == v[begin]) ++end;
    for (int64_t k = begin; k < end; ++k) out[at[k]] = 0.5 * static_cast<double>(begin + end - 1);
    begin = end;
  }
  return ranks;
}

double correlation(const Tensor& x, const Tensor& y) {
  const Tensor a = x - x.mean();
  const Tensor b = y - y.mean();
  return ((a * b).sum() / (a.norm() * b.norm())).item<double>();
}

double line_slope(const Tensor& x, const Tensor& y) {
  const Tensor a = x - x.mean();
  return ((a * y).sum() / a.square().sum()).item<double>();
}

// A statistic of the finite pairs, bootstrapped.
Interval bootstrapped(const Tensor& a, const Tensor& b,
                      double (*statistic)(const Tensor& x, const Tensor& y), std::uint64_t seed) {
  const Pairs pairs = finite_pairs(a, b);
  if (pairs.x.size(0) < 3) return {std::nan(""), std::nan(""), std::nan("")};
  return bootstrap(
      pairs.x.size(0),
      [&](const Tensor& indices) {
        return statistic(pairs.x.index_select(0, indices), pairs.y.index_select(0, indices));
      },
      seed);
}

}  // namespace

std::optional<Quantiles> quantiles(const Tensor& values) {
  const Tensor all = values.to(at::kCPU, at::kDouble);
  const Tensor finite = all.masked_select(all.isfinite());
  if (finite.numel() == 0) return std::nullopt;
  const Tensor points =
      at::quantile(finite, at::tensor({0.05, 0.25, 0.5, 0.75, 0.95}, at::kDouble));
  const double* q = points.data_ptr<double>();
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

std::string percent(double share) {
  std::ostringstream text;
  text.precision(share < 0.1 ? 2 : 3);
  text << 100 * share << "%";
  return text.str();
}

Interval mean_interval(const std::vector<double>& repetitions) {
  const auto n = repetitions.size();
  double mean = 0;
  for (const double each : repetitions) mean += each / static_cast<double>(n);
  if (n < 2) return {mean, mean, mean};
  double squares = 0;
  for (const double each : repetitions) squares += (each - mean) * (each - mean);
  const auto freedom = static_cast<double>(n - 1);
  const double error = std::sqrt(squares / freedom / static_cast<double>(n));
  // 97.5% point of Student's t for 1 to 10 degrees of freedom; beyond, Fisher and Cornish's
  // expansion around the normal distribution's, which is off by less than 0.003 there.
  static constexpr std::array<double, 10> points{12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                                 2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
  constexpr double z = 1.959963984540054;
  const double t = n - 2 < points.size() ? points[n - 2]
                                         : z + (z * z * z + z) / (4 * freedom) +
                                               (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) /
                                                   (96 * freedom * freedom);
  return {mean, mean - t * error, mean + t * error};
}

Interval mean_interval(const Tensor& values, std::uint64_t seed) {
  const Tensor all = values.to(at::kCPU, at::kDouble).flatten();
  const Tensor finite = all.masked_select(all.isfinite());
  if (finite.numel() == 0) return {std::nan(""), std::nan(""), std::nan("")};
  return bootstrap(
      finite.size(0),
      [&](const Tensor& indices) { return finite.index_select(0, indices).mean().item<double>(); },
      seed);
}

Interval rank_correlation_interval(const Tensor& a, const Tensor& b, std::uint64_t seed) {
  return bootstrapped(a, b, rank_correlation, seed);
}

double rank_correlation(const Tensor& a, const Tensor& b) {
  const Pairs pairs = finite_pairs(a, b);
  if (pairs.x.size(0) < 3) return std::nan("");
  return correlation(mean_ranks(pairs.x), mean_ranks(pairs.y));
}

Interval bootstrap(int64_t samples, const std::function<double(const Tensor& indices)>& statistic,
                   std::uint64_t seed) {
  constexpr int64_t resamples = 1000;
  at::Generator generator = make_generator(seed);
  Tensor values = at::empty({resamples}, at::kDouble);
  for (int64_t k = 0; k < resamples; ++k) {
    values[k] = statistic(at::randint(samples, {samples}, generator, at::kLong));
  }
  const double value = statistic(at::arange(samples, at::kLong));
  const Tensor finite = values.masked_select(values.isfinite());
  if (finite.numel() == 0) return {value, std::nan(""), std::nan("")};
  const Tensor ends = at::quantile(finite, at::tensor({0.025, 0.975}, at::kDouble));
  return {value, ends[0].item<double>(), ends[1].item<double>()};
}

Interval slope(const Tensor& x, const Tensor& y, std::uint64_t seed) {
  return bootstrapped(x, y, line_slope, seed);
}

}  // namespace reluctance
