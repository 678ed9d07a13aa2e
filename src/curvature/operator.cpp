#include "reluctance/curvature/operator.hpp"

#include <ATen/ATen.h>

namespace reluctance {

Tensor embedded(const Tensor& v, const Tensor& places, int64_t size) {
  return at::zeros({size}, v.options()).index_copy_(0, places, v);
}

LinearOperator principal_block(const LinearOperator& matrix, const Tensor& places) {
  const Tensor here = places.to(matrix.device);
  return {here.size(0), matrix.dtype, matrix.device,
          [matrix, here](const Tensor& v) {
            return matrix.product(embedded(v, here, matrix.size)).index_select(0, here);
          },
          matrix.symmetric};
}

}  // namespace reluctance
