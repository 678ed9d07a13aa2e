// Summaries over samples, each with what is needed to judge its uncertainty.
#pragma once

#include <cstdint>
#include <optional>

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

}  // namespace reluctance
