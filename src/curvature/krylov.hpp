// An orthonormal basis that grows by products with an operator.
#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "reluctance/curvature/operator.hpp"

namespace reluctance {

// A V = V H + r e^T with V^T V = 1: V the basis, H = V^T A V its projected matrix, r the remainder,
// and e the last unit vector (Lanczos, Arnoldi; after a restart Wu and Simon 2000, Stewart 2001).
// Every new vector is made orthogonal to all before it, in the operator's dtype, so no eigenvalue
// appears twice.
class KrylovBasis {
 public:
  // `scale`: a known size of the matrix, whose rounding is no direction to extend by.
  KrylovBasis(const LinearOperator& matrix, const Tensor& start, int64_t most, double scale = 0);

  int64_t size() const { return size_; }

  // One product; the basis has one vector more. Throws Interrupted if an interrupt was requested.
  void extend();

  // The space is invariant: there is nothing to extend by.
  bool exhausted() const { return exhausted_; }

  Eigen::MatrixXd projected() const { return projected_.topLeftCorner(size_, size_); }
  double remainder() const { return remainder_; }  // ||r||

  // Linear combinations of the basis, by the columns of `weights` (size x K): K x P.
  Tensor combine(const Eigen::MatrixXd& weights) const;

  // Keeps only the span of these orthonormal columns, which H maps into itself, and the remainder's
  // direction to go on from.
  void restart(const Eigen::MatrixXd& weights);

 private:
  const LinearOperator& matrix_;
  Tensor vectors_;  // most + 1 x P: the basis, and the direction of the remainder
  Eigen::MatrixXd projected_;
  double scale_;
  int64_t size_ = 0;
  double remainder_ = 0;
  bool exhausted_ = false;
};

}  // namespace reluctance
