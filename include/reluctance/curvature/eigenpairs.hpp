// Top eigenpairs by the thick-restart Lanczos method (Wu and Simon 2000), where the operator lives;
// of an operator that is not symmetric by Arnoldi's, restarted likewise (Stewart 2001).
#pragma once

#include <cstdint>

#include "reluctance/base/progress.hpp"
#include "reluctance/curvature/operator.hpp"

namespace reluctance {

struct EigenpairOptions {
  int64_t count = 5;
  double tolerance = 1e-3;  // residual relative to the eigenvalue; its own error is of the square
  int64_t most_restarts = 100;
  Context context{};  // its seed is of the starting vector; progress counts products, out of a
                      // guess that grows
};

struct Eigenpairs {
  Tensor values;     // K, float64, descending: the algebraically largest
  Tensor vectors;    // K x P, of unit length, in the operator's dtype
  Tensor residuals;  // K, float64: ||A v - lambda v||, from the Lanczos relation
  int64_t products;
  bool converged;  // all K within the tolerance

  double largest() const;  // 0 where none was found
};

// An eigenvalue appears as often as its multiplicity. Fewer than K where the operator has fewer
// rows, or where the search ended without convergence.
//
// Of an operator that is not symmetric: real parts of its eigenvalues and right eigenvectors, which
// are parallel where it has fewer of them than eigenvalues. A complex pair is two of them with the
// same real part, whose two vectors span its plane, and v^T A v / (v^T v) is the real part for
// each; residuals are those of the pair.
// Of a complex pair that is found only beside others the residuals are not those of the pair, so
// that the search ends there and says that it has not converged.
Eigenpairs top_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options = {});

// The algebraically smallest ones, ascending.
Eigenpairs bottom_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options = {});

// The largest eigenvalue alone; 0 where none was found.
double largest_eigenvalue(const LinearOperator& matrix, double tolerance = 1e-3);

}  // namespace reluctance
