// Which samples are nearest to falling.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/base/samples.hpp"

namespace reluctance {

// At most `count` of the rows (n int64) of these samples, those with the smallest of the values
// (n), and of equal ones those with the smallest index.
inline Tensor least(const Tensor& rows, const Tensor& values, const Samples& samples,
                    int64_t count) {
  const Tensor index = samples.index.to(rows.device()).index_select(0, rows);
  const Tensor by_index = index.argsort(/*stable=*/true, 0, false);
  const Tensor order = values.index_select(0, by_index).argsort(/*stable=*/true, 0, false);
  return rows.index_select(0, by_index.index_select(0, order.slice(0, 0, count)));
}

}  // namespace reluctance
