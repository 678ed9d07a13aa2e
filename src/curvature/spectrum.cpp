#include "reluctance/curvature/spectrum.hpp"

#include <ATen/ATen.h>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <vector>

#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

Tensor random_signs(const LinearOperator& matrix, std::uint64_t seed, int64_t probe) {
  const Tensor bits =
      at::randint(2, {matrix.size}, make_generator(seed, {static_cast<std::uint64_t>(probe)}),
                  at::TensorOptions().dtype(matrix.dtype));
  return bits.mul_(2).sub_(1).to(matrix.device);
}

double inner_product(const Tensor& a, const Tensor& b) {
  return a.mul(b).sum(at::kDouble).item<double>();
}

// Diagonal and off-diagonal of the Lanczos matrix that starts from `v`, with every vector made
// orthogonal to all before it, twice: once is not enough in floating point. Ends early where the
// Krylov space is exhausted.
void lanczos(const LinearOperator& matrix, Tensor v, int64_t steps, const Progress& progress,
             std::vector<double>& diagonal, std::vector<double>& off_diagonal) {
  Tensors basis;
  v = v / std::sqrt(inner_product(v, v));
  for (int64_t k = 0; k < steps; ++k) {
    check_interrupt();
    basis.push_back(v);
    Tensor w = matrix.product(v);
    diagonal.push_back(inner_product(w, v));
    const Tensor known = at::stack(basis);
    for (int pass = 0; pass < 2; ++pass) w = w - at::mv(known.t(), at::mv(known, w));
    const double norm = std::sqrt(inner_product(w, w));
    if (progress) progress(k + 1, steps);
    if (k + 1 == steps || norm <= 1e-10 * std::abs(diagonal[0])) return;
    off_diagonal.push_back(norm);
    v = w / norm;
  }
}

}  // namespace

TraceEstimate estimate_trace(const LinearOperator& matrix, int64_t probes, std::uint64_t seed,
                             const Progress& progress) {
  double sum = 0;
  double squares = 0;
  for (int64_t k = 0; k < probes; ++k) {
    check_interrupt();
    const Tensor r = random_signs(matrix, seed, k);
    const double value = inner_product(r, matrix.product(r));
    sum += value;
    squares += value * value;
    if (progress) progress(k + 1, probes);
  }
  const auto n = static_cast<double>(probes);
  const double mean = sum / n;
  const double variance = std::max(0.0, squares / n - mean * mean) * n / std::max(1.0, n - 1);
  return {mean, std::sqrt(variance / n), probes};
}

SpectralDensity spectral_density(const LinearOperator& matrix, int64_t probes, int64_t steps,
                                 std::uint64_t seed, const Progress& progress) {
  steps = std::min(steps, matrix.size);
  SpectralDensity density{at::zeros({probes, steps}, at::kDouble),
                          at::zeros({probes, steps}, at::kDouble)};
  for (int64_t probe = 0; probe < probes; ++probe) {
    std::vector<double> diagonal, off_diagonal;
    const Progress part = [&](int64_t done, int64_t) {
      if (progress) progress(probe * steps + done, probes * steps);
    };
    lanczos(matrix, random_signs(matrix, seed, probe), steps, part, diagonal, off_diagonal);
    const auto size = static_cast<Eigen::Index>(diagonal.size());
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> small;
    small.computeFromTridiagonal(Eigen::Map<Eigen::VectorXd>(diagonal.data(), size),
                                 Eigen::Map<Eigen::VectorXd>(off_diagonal.data(), size - 1));
    // An exhausted space leaves nodes of no weight at its largest value.
    density.nodes[probe].fill_(small.eigenvalues()[size - 1]);
    auto* nodes = density.nodes[probe].data_ptr<double>();
    auto* weights = density.weights[probe].data_ptr<double>();
    for (Eigen::Index k = 0; k < size; ++k) {
      nodes[k] = small.eigenvalues()[k];
      const double first = small.eigenvectors()(0, k);
      weights[k] = first * first / static_cast<double>(probes);
    }
  }
  return density;
}

}  // namespace reluctance
