// A square matrix that is known by its products alone; everything that studies curvature sees only
// this.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

struct LinearOperator {
  int64_t size;  // P: rows and columns
  c10::ScalarType dtype;
  c10::Device device;
  std::function<Tensor(const Tensor& v)> product;  // P -> P
  bool symmetric = true;
};

}  // namespace reluctance
