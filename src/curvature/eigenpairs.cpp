#include "reluctance/curvature/eigenpairs.hpp"

#include <ATen/ATen.h>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "curvature/dense.hpp"
#include "curvature/krylov.hpp"
#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// The Ritz pairs of a basis, descending.
struct Ritz {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;    // columns of unit length, in the basis
  Eigen::VectorXd residuals;  // ||A v - lambda v||

  // An orthonormal basis of the span of the first few vectors, and of one more where that would
  // part a complex pair.
  Eigen::MatrixXd span(int64_t count) const {
    if (count < values.size() && values[count] == values[count - 1]) ++count;
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(vectors.leftCols(count));
    return qr.householderQ() * Eigen::MatrixXd::Identity(vectors.rows(), count);
  }
};

Ritz symmetric_pairs(const KrylovBasis& basis) {
  const SymmetricEigen eigen = symmetric_eigen(basis.projected());
  const Eigen::MatrixXd vectors = eigen.vectors.rowwise().reverse();
  return {eigen.values.reverse(), vectors,
          vectors.bottomRows(1).transpose().cwiseAbs() * basis.remainder()};
}

// Of a complex pair its real part, twice, beside the real and the imaginary part of its vector,
// turned until they are orthogonal: then v^T A v = Re(lambda) for both.
Ritz general_pairs(const KrylovBasis& basis) {
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(basis.projected());
  const Eigen::VectorXcd values = solver.eigenvalues();
  const Eigen::MatrixXcd vectors = solver.eigenvectors();
  const Eigen::Index size = values.size();
  std::vector<Eigen::Index> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Eigen::Index a, Eigen::Index b) {
    return values[a].real() > values[b].real();
  });
  Ritz ritz{Eigen::VectorXd(size), Eigen::MatrixXd(size, size), Eigen::VectorXd(size)};
  for (Eigen::Index k = 0; k < size; ++k) {
    const Eigen::Index from = order[static_cast<std::size_t>(k)];
    Eigen::VectorXcd v = vectors.col(from).normalized();
    v *= std::polar(1.0, -std::arg(v.cwiseProduct(v).sum()) / 2);
    if (values[from].imag() < 0) v *= std::complex<double>(0, 1);  // the plane's other vector
    ritz.values[k] = values[from].real();
    ritz.vectors.col(k) = v.real().normalized();
    ritz.residuals[k] = std::abs(v[size - 1]) * basis.remainder();
  }
  return ritz;
}

int64_t converged(const Ritz& ritz, int64_t count, double tolerance) {
  int64_t k = 0;
  while (k < std::min<int64_t>(count, ritz.values.size()) &&
         ritz.residuals[k] <= tolerance * std::abs(ritz.values[k])) {
    ++k;
  }
  return k;
}

// What the largest eigenvalue stays below, but for a chance of one in a million, after so many
// steps from a random start (Kuczynski and Wozniakowski 1992, theorem 4.2, for a spectrum that
// begins at the smallest Ritz value; for a matrix that is not symmetric it is a guide).
double likely_bound(const Ritz& ritz, int64_t steps, int64_t dimension) {
  const double chance = std::log(1.648e6 * std::sqrt(static_cast<double>(dimension)));
  const double share = std::pow(chance / static_cast<double>(2 * steps - 1), 2);
  if (share >= 1) return std::numeric_limits<double>::infinity();
  const double smallest = std::min(ritz.values[ritz.values.size() - 1], 0.0);
  return (ritz.values[0] - share * smallest) / (1 - share);
}

// One start sees one vector of each eigenspace. The search therefore locks what it has found and
// starts anew beside it, until nothing is left above the last of what is wanted. Beside an
// invariant space, of basis Q, the matrix has the eigenvalues that are left, also where it is not
// symmetric: (1 - QQ^T) A (1 - QQ^T) is the last block of a Schur form.
class Search {
 public:
  Search(const LinearOperator& matrix, const EigenpairOptions& options)
      : matrix_(matrix), options_(options), count_(std::min(options.count, matrix.size)) {}

  Eigenpairs run() {
    bool going = true;
    while (going && found() < count_) going = add(count_ - found(), std::nullopt);
    // A copy of the largest one is no other value.
    while (going && count_ > 1 && found() < matrix_.size) {
      going = add(1, values_[static_cast<std::size_t>(count_ - 1)]);
    }
    return result();
  }

 private:
  int64_t found() const { return static_cast<int64_t>(values_.size()); }

  // v without its part in the span of what has been found.
  Tensor beside(Tensor v) const {
    if (found() > 0) v = at::addmv(v, locked_.t(), at::mv(locked_, v), 1, -1);
    return v;
  }

  // The matrix's own eigenvectors v = w + Q y for those of what is left, A' w = lambda w:
  // (Q^T A Q - lambda) y = -Q^T A w, whose solution is any where lambda is an eigenvalue again.
  // Their residuals are measured. Rows: as many x P.
  Tensor lift(Ritz& ritz, const Tensor& vectors) {
    const auto product = [&](const Tensor& v) {
      ++products_;
      return matrix_.product(v);
    };
    const auto in_span = [&](const Tensor& v) {
      const Tensor parts = at::mv(locked_, v).to(at::kCPU, at::kDouble).contiguous();
      return Eigen::VectorXd(
          Eigen::Map<const Eigen::VectorXd>(parts.data_ptr<double>(), parts.size(0)));
    };
    const int64_t known = locked_.size(0);
    Eigen::MatrixXd inner(known, known);
    for (int64_t k = 0; k < known; ++k) inner.col(k) = in_span(product(locked_[k]));
    Tensors lifted;
    for (int64_t k = 0; k < vectors.size(0); ++k) {
      const double lambda = ritz.values[k];
      Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
      solver.setThreshold(10 * options_.tolerance);  // lambda is no better known
      solver.compute(inner - lambda * Eigen::MatrixXd::Identity(known, known));
      const Eigen::VectorXd y = solver.solve(-in_span(product(vectors[k])));
      Tensor v = vectors[k].clone();
      for (int64_t j = 0; j < known; ++j) v.add_(locked_[j], y[j]);
      v = v / v.norm();
      lifted.push_back(v);
      ritz.residuals[k] = (product(v) - lambda * v).norm().item<double>();
    }
    return at::stack(lifted);
  }

  // Finds up to `wanted` pairs beside those known and takes them in; false if they did not
  // converge or, given a value that they must pass to matter, none does.
  bool add(int64_t wanted, const std::optional<double>& above) {
    const LinearOperator rest{matrix_.size, matrix_.dtype, matrix_.device, [this](const Tensor& v) {
                                return beside(matrix_.product(beside(v)));
                              }};
    const int64_t dimension = matrix_.size - found();
    const int64_t most = std::min(dimension, std::max<int64_t>(20, 2 * wanted + 10));
    const Tensor start =
        at::randn({matrix_.size}, make_generator(options_.context.seed, {starts_++}), at::kDouble);
    const double scale = values_.empty() ? 0 : std::abs(values_.front());
    KrylovBasis basis(rest, beside(start.to(matrix_.device, matrix_.dtype)), most, scale);
    const double bar = above ? *above + options_.tolerance * std::abs(*above) : 0;
    int64_t steps = 0;
    int64_t restarts = 0;
    Ritz ritz;
    for (;;) {
      basis.extend();
      ++steps;
      ++products_;
      if (options_.context.progress) {
        options_.context.progress(products_, std::max(products_ + 1, most));
      }
      if (basis.size() < wanted && !basis.exhausted()) continue;
      ritz = matrix_.symmetric ? symmetric_pairs(basis) : general_pairs(basis);
      if (above && likely_bound(ritz, steps, dimension) <= bar) return false;
      if (basis.exhausted() || converged(ritz, wanted, options_.tolerance) == wanted) break;
      if (basis.size() < most) continue;
      if (restarts++ == options_.most_restarts) break;
      // Half of the room for what is wanted and its neighbours, which hold it apart.
      basis.restart(ritz.span((wanted + most) / 2));
    }
    if (above && !(ritz.values[0] > bar)) return false;
    const auto pairs = std::min<int64_t>(wanted, ritz.values.size());
    Tensor vectors = basis.combine(ritz.vectors.leftCols(pairs));
    // Before they are lifted: those are as far from one another as they can be.
    const Tensor beside_others =
        matrix_.symmetric ? vectors : std::get<0>(at::linalg_qr(vectors.t())).t();
    if (!matrix_.symmetric && found() > 0) vectors = lift(ritz, vectors);
    locked_ = found() > 0 ? at::cat({locked_, beside_others}) : beside_others;
    take(ritz, vectors);
    return converged(ritz, pairs, options_.tolerance) == pairs;
  }

  // Keeps what is known in descending order.
  void take(const Ritz& ritz, const Tensor& vectors) {
    vectors_ = found() > 0 ? at::cat({vectors_, vectors}) : vectors;
    for (int64_t k = 0; k < vectors.size(0); ++k) {
      values_.push_back(ritz.values[k]);
      residuals_.push_back(ritz.residuals[k]);
    }
    std::vector<std::size_t> order(values_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values_[a] > values_[b]; });
    const std::vector<double> values = values_;
    const std::vector<double> residuals = residuals_;
    for (std::size_t k = 0; k < order.size(); ++k) {
      values_[k] = values[order[k]];
      residuals_[k] = residuals[order[k]];
    }
    const std::vector<int64_t> places(order.begin(), order.end());
    vectors_ = vectors_.index_select(0, at::tensor(places, at::kLong).to(vectors_.device()));
  }

  Eigenpairs result() const {
    const int64_t count = std::min(count_, found());
    bool converged = count == count_;
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
      converged = converged && residuals_[k] <= options_.tolerance * std::abs(values_[k]);
    }
    return {at::tensor(values_, at::kDouble).slice(0, 0, count), vectors_.slice(0, 0, count),
            at::tensor(residuals_, at::kDouble).slice(0, 0, count), products_, converged};
  }

  const LinearOperator& matrix_;
  const EigenpairOptions& options_;
  int64_t count_;
  std::uint64_t starts_ = 0;
  int64_t products_ = 0;
  std::vector<double> values_, residuals_;
  Tensor vectors_;  // as many x P
  Tensor locked_;   // orthonormal rows with the same span
};

}  // namespace

Eigenpairs top_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options) {
  if (matrix.size == 0)
    return {at::empty({0}, at::kDouble), {}, at::empty({0}, at::kDouble), 0, true};
  return Search(matrix, options).run();
}

Eigenpairs bottom_eigenpairs(const LinearOperator& matrix, const EigenpairOptions& options) {
  LinearOperator turned = matrix;
  turned.product = [&](const Tensor& v) { return -matrix.product(v); };
  Eigenpairs pairs = top_eigenpairs(turned, options);
  pairs.values = -pairs.values;
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
