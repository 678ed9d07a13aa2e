// Trace and spectral density against dense matrices, in float64.
#include "reluctance/curvature/spectrum.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "curvature/subjects.hpp"

namespace reluctance {
namespace {

TEST(Trace, LiesWithinItsErrorBar) {
  const Tensor matrix = with_eigenvalues(at::randn({200}, at::kDouble).exp());
  const TraceEstimate estimate = estimate_trace(dense(matrix), 400, {7, {}});
  const double exact = matrix.diagonal().sum().item<double>();
  EXPECT_GT(estimate.standard_error, 0);
  EXPECT_LT(std::abs(estimate.value - exact), 4 * estimate.standard_error);
  EXPECT_LT(estimate.standard_error, 0.05 * exact);
}

TEST(Trace, DependsOnTheSeedAloneAndTellsOfEveryProbe) {
  const LinearOperator matrix = dense(with_eigenvalues(at::linspace(1, 2, 50, at::kDouble)));
  std::vector<int64_t> told;
  const Context context{7, [&](int64_t done, int64_t total) {
                          EXPECT_EQ(total, 3);
                          told.push_back(done);
                        }};
  const double value = estimate_trace(matrix, 3, context).value;
  EXPECT_EQ(told, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(estimate_trace(matrix, 3, {7, {}}).value, value);
  EXPECT_NE(estimate_trace(matrix, 3, {8, {}}).value, value);
}

TEST(SpectralDensity, IntegratesPolynomialsAgainstTheSpectrum) {
  const Tensor values = at::randn({150}, at::kDouble);
  const SpectralDensity density =
      spectral_density(dense(with_eigenvalues(values)), 60, 20, {3, {}});
  EXPECT_NEAR(density.weights.sum().item<double>(), 1, 1e-12);
  for (const int power : {1, 2, 4}) {
    const double actual = (density.weights * density.nodes.pow(power)).sum().item<double>();
    EXPECT_NEAR(actual, values.pow(power).mean().item<double>(), 0.1 * (1 + std::abs(actual)));
  }
}

TEST(SpectralDensity, IsExactForASpaceThatIsExhausted) {
  // Three distinct eigenvalues: three Lanczos steps see all there is.
  const Tensor values = at::tensor({2.0, 2.0, -1.0, 0.5, 0.5, 0.5}, at::kDouble);
  const SpectralDensity density = spectral_density(dense(with_eigenvalues(values)), 4, 6, {3, {}});
  const Tensor distance = (density.nodes.unsqueeze(2) - values.view({1, 1, -1})).abs().amin({2});
  EXPECT_LT((distance * density.weights).sum().item<double>(), 1e-9);
}

}  // namespace
}  // namespace reluctance
