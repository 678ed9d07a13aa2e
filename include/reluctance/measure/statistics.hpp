// Summaries over samples, each with what is needed to judge its uncertainty.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Quantiles over samples.
struct Quantiles {
  double q05, q25, median, q75, q95;
};

// Of the finite values of a one-dimensional tensor, with linear interpolation; nothing if there are
// none.
std::optional<Quantiles> quantiles(const Tensor& values);

// A share of successes with its 95% Wilson score interval (Wilson 1927).
struct Share {
  double value, low, high;
  int64_t samples;
};
Share share(int64_t successes, int64_t samples);

// "12.5%": three digits, two below ten percent.
std::string percent(double share);

// An estimate with its 95% interval.
struct Interval {
  double value, low, high;
};

// The mean of independent repetitions with its 95% interval by Student's t; the values themselves
// if there are fewer than two.
Interval mean_interval(const std::vector<double>& repetitions);

// Spearman's rank correlation of two one-dimensional tensors, over the pairs of finite values, with
// mean ranks for ties. NaN for fewer than three pairs or a constant side.
double rank_correlation(const Tensor& a, const Tensor& b);

// `statistic` on all N samples, and its percentiles over 1,000 resamples with replacement
// (Efron 1979). It gets indices of samples (N, int64).
Interval bootstrap(int64_t samples, const std::function<double(const Tensor& indices)>& statistic,
                   std::uint64_t seed);

// The same of the mean of one-dimensional values, the finite ones.
Interval mean_interval(const Tensor& values, std::uint64_t seed);

// The same of the rank correlation.
Interval rank_correlation_interval(const Tensor& a, const Tensor& b, std::uint64_t seed);

// Slope of the least-squares line of y over x, over the pairs of finite values, bootstrapped.
Interval slope(const Tensor& x, const Tensor& y, std::uint64_t seed);

}  // namespace reluctance
