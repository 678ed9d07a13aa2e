// How far a tensor is from what it should be.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

inline double relative_error(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).norm() / expected.norm().clamp_min(1e-30)).item<double>();
}

}  // namespace reluctance
