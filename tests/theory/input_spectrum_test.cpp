// The spectrum of the input Hessian against automatic differentiation, in float64.
#include "reluctance/theory/input_spectrum.hpp"

#include <gtest/gtest.h>

#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class InputSpectra : public RandomRegion {};

TEST_P(InputSpectra, EqualTheDenseHessians) {
  const int64_t rank = squared_error() ? network().classes() : network().classes() - 1;
  EXPECT_EQ(region_.rank(), rank);
  EXPECT_EQ(spectrum_.eigenvalues.size(1), rank);
  if (network().inputs() > 300) {
    // The dense oracle costs one backward per pixel: one sample, its eigenvalues by power sums.
    const Tensor hessian = dense_hessian(0);
    const Tensor lambda = spectrum_.eigenvalues[0];
    EXPECT_LT(relative_error(lambda.sum(), hessian.trace()), 1e-12);
    EXPECT_LT(relative_error(lambda.square().sum(), hessian.square().sum()), 1e-12);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const Tensor hessian = dense_hessian(i);
    const Tensor all = at::linalg_eigvalsh(hessian).flip(0);
    const Tensor expected = all.slice(0, 0, rank);
    EXPECT_LT(relative_error(spectrum_.eigenvalues[i].slice(0, 0, expected.size(0)), expected),
              1e-12);
    // The others vanish.
    const double rest = all.slice(0, rank).norm().item<double>();
    EXPECT_LT(rest, 1e-12 * all[0].item<double>());
  }
}

TEST_P(InputSpectra, EigenvectorsAreOrthonormalAndEigen) {
  Tensors vectors;
  for (int64_t k = 0; k < region_.rank(); ++k) {
    vectors.push_back(
        perturbation(network(), region_, spectrum_.directions.select(2, k)).flatten(1));
  }
  const Tensor v = at::stack(vectors, 1);  // N x R x n
  // Where dead units leave J without full rank, the eigenvalue and its eigenvector are zero.
  const Tensor identity = at::diag_embed(spectrum_.eigenvalues.gt(0).to(at::kDouble));
  EXPECT_LT(relative_error(at::bmm(v, v.transpose(1, 2)), identity), 1e-10);
  if (network().inputs() <= 300) {
    const Tensor hv = at::mm(v[0], dense_hessian(0));
    EXPECT_LT(relative_error(hv, v[0] * spectrum_.eigenvalues[0].unsqueeze(1)), 1e-10);
  }
}

TEST_P(InputSpectra, TheGradientLiesInTheSpectrum) {
  const Tensor gradient = gradient_at(images());
  const Tensor gamma = components(network(), region_, spectrum_, gradient);
  EXPECT_LT(relative_error(spectrum_.gradient, gamma), 1e-10);
  EXPECT_LT(relative_error(gamma.square().sum(1), gradient.flatten(1).square().sum(1)), 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Networks, InputSpectra, all_pairs(), name_of);

}  // namespace
}  // namespace reluctance
