// Small dense algebra, one sample at a time: views of the class-space tensors as Eigen matrices.
#pragma once

#include <ATen/ATen.h>

#include <Eigen/Core>

#include "reluctance/base/chunks.hpp"
#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

// Sample i of a contiguous float64 tensor of N x rows (or N x rows x columns) as an Eigen view. The
// order of a symmetric matrix does not matter; others are stored row by row.
inline Eigen::Map<Vector> vector_of(const Tensor& batch, int64_t i) {
  return {batch.data_ptr<double>() + i * batch.stride(0), batch.size(1)};
}
using RowMajorMap =
    Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
inline RowMajorMap matrix_of(const Tensor& batch, int64_t i) {
  return {batch.data_ptr<double>() + i * batch.stride(0), batch.size(1), batch.size(2)};
}

// Calls body(sample) for all samples on all threads.
template <typename Body>
void for_each_sample(int64_t samples, const Body& body) {
  for_each_chunk({at::kCPU, samples, samples}, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      check_interrupt();
      body(i);
    }
  });
}

}  // namespace reluctance
