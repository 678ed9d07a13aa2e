#include "reluctance/curvature/eigenpairs.hpp"

#include <ATen/ATen.h>

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "curvature/krylov.hpp"
#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// The Ritz pairs of a basis, descending.
struct Ritz {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;    // columns, in the basis
  Eigen::VectorXd residuals;  // ||A v - lambda v||
};

Ritz ritz_pairs(const KrylovBasis& basis) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(basis.projected());
  const Eigen::MatrixXd vectors = solver.eigenvectors().rowwise().reverse();
  return {solver.eigenvalues().reverse(), vectors,
          vectors.bottomRows(1).transpose().cwiseAbs() * basis.remainder()};
}

int64_t converged(const Ritz& ritz, int64_t count, double tolerance) {
  int64_t k = 0;
  while (k < std::min<int64_t>(count, ritz.values.size()) &&
         ritz.residuals[k] <= tolerance * std::abs(ritz.values[k])) {
    ++k;
  }
  return k;
}

}  // namespace

Eigenpairs top_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options) {
  if (matrix.size == 0)
    return {at::empty({0}, at::kDouble), {}, at::empty({0}, at::kDouble), 0, true};
  const int64_t count = std::min(options.count, matrix.size);
  const int64_t most = std::min(matrix.size, std::max<int64_t>(20, 2 * count + 10));
  const Tensor start = at::randn({matrix.size}, make_generator(options.context.seed), at::kDouble);
  KrylovBasis basis(matrix, start.to(matrix.device, matrix.dtype), most);
  int64_t products = 0;
  int64_t restarts = 0;
  Ritz ritz;
  for (;;) {
    basis.extend();
    ++products;
    if (options.context.progress) options.context.progress(products, std::max(products + 1, most));
    if (basis.size() < count && !basis.exhausted()) continue;
    ritz = ritz_pairs(basis);
    if (basis.exhausted() || converged(ritz, count, options.tolerance) == count) break;
    if (basis.size() < most) continue;
    if (restarts++ == options.most_restarts) break;
    // Half of the room for what is wanted and its neighbours, which hold it apart.
    basis.restart(ritz.vectors.leftCols((count + most) / 2));
  }
  const auto found = std::min<int64_t>(count, ritz.values.size());
  Eigenpairs pairs{at::empty({found}, at::kDouble), basis.combine(ritz.vectors.leftCols(found)),
                   at::empty({found}, at::kDouble), products,
                   converged(ritz, found, options.tolerance) == found};
  for (int64_t k = 0; k < found; ++k) {
    pairs.values[k] = ritz.values[k];
    pairs.residuals[k] = ritz.residuals[k];
  }
  return pairs;
}

double Eigenpairs::largest() const { return values.numel() > 0 ? values[0].item<double>() : 0; }

double largest_eigenvalue(const LinearOperator& matrix, double tolerance) {
  EigenpairOptions one;
  one.count = 1;
  one.tolerance = tolerance;
  return top_eigenpairs(matrix, one).largest();
}

}  // namespace reluctance
