#include "reluctance/theory/input_spectrum.hpp"

#include "class_space.hpp"
#include "curvature/dense.hpp"

namespace reluctance {

InputSpectrum input_spectrum(const LinearRegion& region) {
  const int64_t samples = region.count();
  const int64_t classes = region.classes();
  const int64_t rank = region.rank();
  const Tensor factors = region.loss.hessian_factor(region.logits);
  const Tensor s = region.logit_gradient();
  InputSpectrum spectrum{at::zeros({samples, rank}, at::kDouble),
                         at::zeros({samples, classes, rank}, at::kDouble),
                         at::zeros({samples, rank}, at::kDouble)};
  for_each_sample(samples, [&](int64_t i) {
    const Matrix factor = matrix_of(factors, i);
    const auto gram = matrix_of(region.gram, i);
    const Matrix small = factor.transpose() * gram * factor;
    const SymmetricEigen eigen = symmetric_eigen(small);
    const Vector& ascending = eigen.values;
    // B^T K s: gamma_i = u_i . (B^T K s) / sqrt(lambda_i) without the quotient s / sqrt(p), which
    // is huge for a sample whose label has almost no probability.
    const Vector pulled = factor.transpose() * (gram * vector_of(s, i));
    const double vanishing = 1e-14 * ascending[classes - 1];
    auto directions = matrix_of(spectrum.directions, i);
    for (int64_t k = 0; k < rank; ++k) {
      // With C-1 the smallest, in the null space of B, is left out.
      const int64_t from = classes - 1 - k;
      const double lambda = ascending[from];
      if (lambda <= vanishing || lambda <= 0) continue;
      vector_of(spectrum.eigenvalues, i)[k] = lambda;
      directions.col(k) = factor * eigen.vectors.col(from) / std::sqrt(lambda);
      vector_of(spectrum.gradient, i)[k] = eigen.vectors.col(from).dot(pulled) / std::sqrt(lambda);
    }
  });
  return spectrum;
}

Tensor components(const Network& network, const LinearRegion& region, const InputSpectrum& spectrum,
                  const Tensor& w) {
  const Tensor product = jacobian_vector(network, region.pass, w.to(region.pass.logits.options()))
                             .to(at::kCPU, at::kDouble);
  return at::bmm(product.unsqueeze(1), spectrum.directions).squeeze(1);
}

}  // namespace reluctance
