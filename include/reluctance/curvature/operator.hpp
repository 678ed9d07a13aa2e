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

// The rows and columns of some places (B, int64), such as those of one layer's parameters.
LinearOperator principal_block(const LinearOperator& matrix, const Tensor& places);

// A vector of such a block among `size` numbers, the others zero.
Tensor embedded(const Tensor& v, const Tensor& places, int64_t size);

}  // namespace reluctance
