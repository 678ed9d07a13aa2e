#include "reluctance/curvature/eigenpairs.hpp"

#include <ATen/ATen.h>

#include <Spectra/SymEigsSolver.h>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>

#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// The operator as Spectra sees it: float64 vectors on the processor.
class Products {
 public:
  using Scalar = double;

  Products(const LinearOperator& matrix, const Progress& progress, int64_t expected)
      : matrix_(matrix), progress_(progress), expected_(expected) {}

  Eigen::Index rows() const { return matrix_.size; }
  Eigen::Index cols() const { return matrix_.size; }

  void perform_op(const double* in, double* out) const {
    check_interrupt();
    // at::from_blob wants a pointer to what it could change; the product does not.
    const Tensor v = at::from_blob(const_cast<double*>(in), {matrix_.size}, at::kDouble);
    const Tensor moved = v.to(matrix_.device, matrix_.dtype);
    at::from_blob(out, {matrix_.size}, at::kDouble).copy_(matrix_.product(moved));
    ++done_;
    if (progress_) progress_(done_, std::max(expected_, done_ + 1));
  }

  int64_t done() const { return done_; }

 private:
  const LinearOperator& matrix_;
  const Progress& progress_;
  int64_t expected_;
  mutable int64_t done_ = 0;  // Spectra takes its operator as a constant
};

class Solver : public Spectra::SymEigsSolver<Products> {
 public:
  using Spectra::SymEigsSolver<Products>::SymEigsSolver;

  // ||A v - lambda v|| of the Ritz pairs with the largest values, descending: the norm of the
  // factorisation's remainder times the last entry of each vector in the Krylov basis.
  Eigen::VectorXd residuals(int64_t count) const {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> small(m_fac.matrix_H());
    return small.eigenvectors().row(m_ncv - 1).reverse().head(count).cwiseAbs() * m_fac.f_norm();
  }
};

}  // namespace

Eigenpairs top_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options) {
  const int64_t count = std::min(options.count, matrix.size - 1);
  const int64_t basis = std::min(matrix.size, std::max<int64_t>(20, 2 * count + 1));
  Products products(matrix, options.progress, 2 * basis);
  Solver solver(products, count, basis);
  Tensor start = at::randn({matrix.size}, make_generator(options.seed), at::kDouble);
  solver.init(start.data_ptr<double>());
  solver.compute(Spectra::SortRule::LargestAlge, options.most_restarts, options.tolerance,
                 Spectra::SortRule::LargestAlge);
  // Where not all converged, Spectra would hand out fewer; the best it has are still of use.
  const bool converged = solver.info() == Spectra::CompInfo::Successful;
  const auto found = static_cast<int64_t>(solver.eigenvalues().size());
  Eigenpairs pairs{at::empty({found}, at::kDouble),
                   {},
                   at::empty({found}, at::kDouble),
                   products.done(),
                   converged};
  Eigen::Map<Eigen::VectorXd>(pairs.values.data_ptr<double>(), found) = solver.eigenvalues();
  Eigen::Map<Eigen::VectorXd>(pairs.residuals.data_ptr<double>(), found) = solver.residuals(found);
  const Eigen::MatrixXd vectors = solver.eigenvectors();
  pairs.vectors =
      at::from_blob(const_cast<double*>(vectors.data()), {found, matrix.size}, at::kDouble)
          .to(matrix.device, matrix.dtype, /*non_blocking=*/false, /*copy=*/true);
  return pairs;
}

}  // namespace reluctance
