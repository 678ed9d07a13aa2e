#include "curvature/krylov.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

double length_of(const Tensor& v) { return v.norm().item<double>(); }

Tensor as_tensor(const Eigen::MatrixXd& matrix, const Tensor& like) {
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = matrix;
  return at::from_blob(const_cast<double*>(rows.data()), {rows.rows(), rows.cols()}, at::kDouble)
      .to(like.device(), like.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

KrylovBasis::KrylovBasis(const LinearOperator& matrix, const Tensor& start, int64_t most,
                         double scale)
    : matrix_(matrix),
      vectors_(at::empty({most + 1, matrix.size}, start.options())),
      projected_(Eigen::MatrixXd::Zero(most, most)),
      scale_(scale) {
  vectors_[0].copy_(start / start.norm());
}

void KrylovBasis::extend() {
  check_interrupt();
  Tensor w = matrix_.product(vectors_[size_]);
  const double before = length_of(w);
  const Tensor known = vectors_.slice(0, 0, ++size_);
  Tensor coefficients = at::mv(known, w);
  w = at::addmv(w, known.t(), coefficients, 1, -1);
  // Once is not enough where most of the product lay in the basis (Daniel et al. 1976).
  double after = length_of(w);
  if (after < 0.7 * before) {
    const Tensor rest = at::mv(known, w);
    w = at::addmv(w, known.t(), rest, 1, -1);
    coefficients = coefficients + rest;
    after = length_of(w);
  }
  const Tensor column = coefficients.to(at::kCPU, at::kDouble).contiguous();
  for (int64_t k = 0; k < size_; ++k) projected_(k, size_ - 1) = column.data_ptr<double>()[k];
  const double rounding = vectors_.scalar_type() == at::kFloat
                              ? std::numeric_limits<float>::epsilon()
                              : std::numeric_limits<double>::epsilon();
  const double scale = std::max(scale_, projected().cwiseAbs().maxCoeff());
  exhausted_ = size_ == matrix_.size || !(after > 100 * rounding * scale);
  remainder_ = exhausted_ ? 0 : after;
  if (!exhausted_) vectors_[size_].copy_(w / after);
  if (size_ < projected_.rows()) projected_(size_, size_ - 1) = remainder_;
}

Tensor KrylovBasis::combine(const Eigen::MatrixXd& weights) const {
  return at::mm(as_tensor(weights.transpose(), vectors_), vectors_.slice(0, 0, size_));
}

void KrylovBasis::restart(const Eigen::MatrixXd& weights) {
  const Eigen::MatrixXd kept = weights.transpose() * projected() * weights;
  const Eigen::RowVectorXd coupling = remainder_ * weights.row(size_ - 1);
  const auto count = static_cast<int64_t>(weights.cols());
  const Tensor combined = combine(weights);
  vectors_[count].copy_(vectors_[size_]);
  vectors_.slice(0, 0, count).copy_(combined);
  projected_.setZero();
  projected_.topLeftCorner(count, count) = kept;
  projected_.row(count).head(count) = coupling;
  size_ = count;
}

}  // namespace reluctance
