#include "reluctance/curvature/spectrum.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "curvature/dense.hpp"
#include "curvature/krylov.hpp"
#include "reluctance/base/progress.hpp"
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

}  // namespace

TraceEstimate estimate_trace(const LinearOperator& matrix, int64_t probes, const Context& context) {
  double sum = 0;
  double squares = 0;
  for (int64_t k = 0; k < probes; ++k) {
    check_interrupt();
    const Tensor r = random_signs(matrix, context.seed, k);
    const double value = inner_product(r, matrix.product(r));
    sum += value;
    squares += value * value;
    if (context.progress) context.progress(k + 1, probes);
  }
  const auto n = static_cast<double>(probes);
  const double mean = sum / n;
  const double variance = std::max(0.0, squares / n - mean * mean) * n / std::max(1.0, n - 1);
  return {mean, std::sqrt(variance / n), probes};
}

SpectralDensity spectral_density(const LinearOperator& matrix, int64_t probes, int64_t steps,
                                 const Context& context) {
  steps = std::min(steps, matrix.size);
  SpectralDensity density{at::zeros({probes, steps}, at::kDouble),
                          at::zeros({probes, steps}, at::kDouble)};
  for (int64_t probe = 0; probe < probes; ++probe) {
    KrylovBasis basis(matrix, random_signs(matrix, context.seed, probe), steps);
    while (basis.size() < steps && !basis.exhausted()) {
      basis.extend();
      if (context.progress) context.progress(probe * steps + basis.size(), probes * steps);
    }
    const auto size = static_cast<Eigen::Index>(basis.size());
    const SymmetricEigen small = symmetric_eigen(basis.projected());
    // An exhausted space leaves nodes of no weight at its largest value.
    density.nodes[probe].fill_(small.values[size - 1]);
    auto* nodes = density.nodes[probe].data_ptr<double>();
    auto* weights = density.weights[probe].data_ptr<double>();
    for (Eigen::Index k = 0; k < size; ++k) {
      nodes[k] = small.values[k];
      const double first = small.vectors(0, k);
      weights[k] = first * first / static_cast<double>(probes);
    }
  }
  return density;
}

}  // namespace reluctance
