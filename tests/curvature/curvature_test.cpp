// Curvature operators and their spectra against dense matrices from autograd, in float64.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "network/random_networks.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/curvature/spectrum.hpp"
#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

constexpr int64_t samples = 5;

double relative_error(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).norm() / expected.norm().clamp_min(1e-30)).item<double>();
}

Tensor one_row(const Tensors& parts) {
  Tensors rows;
  for (const Tensor& part : parts) rows.push_back(part.flatten());
  return at::cat(rows);
}

EigenpairOptions options(int64_t count, double tolerance) {
  EigenpairOptions result;
  result.count = count;
  result.tolerance = tolerance;
  return result;
}

class Curvature : public testing::TestWithParam<int> {
 protected:
  Curvature() : net_(networks_in_double().at(static_cast<std::size_t>(GetParam())).network) {
    at::manual_seed(GetParam());
    x_ = random_input(net_, samples);
    labels_ = at::randint(net_.classes(), {samples}, at::kLong);
    v_ = at::randn({net_.parameter_count()}, at::kDouble);
  }

  CurvatureSamplesPtr of(const Network& network, int64_t memory = default_curvature_memory) const {
    return std::make_shared<CurvatureSamples>(network, x_.to(network.dtype()), labels_, memory);
  }

  // H v of the mean loss over samples begin..end by double backward.
  Tensor double_backward(int64_t begin, int64_t end) const {
    const Network taped = net_.clone();
    Tensors leaves = taped.parameters();
    for (Tensor& leaf : leaves) leaf.requires_grad_();
    const Tensor z = forward(taped, x_.slice(0, begin, end), Keep::nothing).logits;
    const Tensor loss = at::cross_entropy_loss(z, labels_.slice(0, begin, end));
    const Tensor gradient = one_row(grad({loss}, leaves, {}, true, true));
    Tensors product = grad({(gradient * v_).sum()}, leaves, {}, false, false, true);
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      if (!product[k].defined()) product[k] = at::zeros_like(leaves[k]);
    }
    return one_row(product);
  }

  Network net_;
  Tensor x_, labels_, v_;
};

TEST_P(Curvature, HessianEqualsDoubleBackward) {
  EXPECT_LT(relative_error(loss_hessian(of(net_)).product(v_), double_backward(0, samples)), 1e-12);
}

TEST_P(Curvature, SampleCurvaturesEqualDoubleBackward) {
  const Tensor each = sample_curvatures(*of(net_), v_);
  for (int64_t i = 0; i < samples; ++i) {
    const double expected = (double_backward(i, i + 1) * v_).sum().item<double>();
    EXPECT_NEAR(each[i].item<double>(), expected, 1e-11 * (1 + std::abs(expected)));
  }
}

TEST_P(Curvature, GaussNewtonIsTheCurvatureOfTheLossAlone) {
  const auto data = of(net_);
  const Tensor product = gauss_newton(data).product(v_);
  // v^T G v = mean of z'^T H_z z' with the dense logit Hessian.
  const Pass pass = forward(net_, x_, Keep::inputs);
  const Tensor moved = tangent(net_, pass, {data->split(v_), {}}).logits;
  const Tensor factor = logit_hessian_factor(pass.logits);
  const double expected =
      at::bmm(factor.transpose(1, 2), moved.unsqueeze(2)).square().sum().item<double>() / samples;
  EXPECT_NEAR((product * v_).sum().item<double>(), expected, 1e-12 * expected);
  EXPECT_NEAR(sample_gauss_newton(*data, v_).mean().item<double>(), expected, 1e-12 * expected);
  const Tensor w = at::randn_like(v_);
  EXPECT_NEAR((product * w).sum().item<double>(),
              (gauss_newton(data).product(w) * v_).sum().item<double>(), 1e-10 * expected);
}

TEST_P(Curvature, GradientEqualsAutograd) {
  const Network taped = net_.clone();
  Tensors leaves = taped.parameters();
  for (Tensor& leaf : leaves) leaf.requires_grad_();
  const Tensor loss = at::cross_entropy_loss(forward(taped, x_, Keep::nothing).logits, labels_);
  EXPECT_LT(relative_error(loss_gradient(*of(net_)), one_row(grad({loss}, leaves))), 1e-12);
}

TEST_P(Curvature, ProductsAreTheSameWhateverIsKept) {
  const auto none = of(net_, 0);
  const auto all = of(net_);
  EXPECT_EQ(none->kept(), 0);
  EXPECT_GT(all->kept(), 0);
  EXPECT_TRUE(at::equal(loss_hessian(none).product(v_), loss_hessian(all).product(v_)));
}

TEST_P(Curvature, SinglePrecisionIsCloseToDouble) {
  const Tensor actual = loss_hessian(of(net_.to(at::kFloat))).product(v_.to(at::kFloat));
  EXPECT_LT(relative_error(actual.to(at::kDouble), loss_hessian(of(net_)).product(v_)), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Networks, Curvature, testing::Range(0, 7), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

// A network so sure of its answers that 1 - p vanishes in float32: its curvature must not.
TEST(Curvature, OfConfidentSamplesSurvivesSinglePrecision) {
  Network net = networks_in_double()[2].network;  // mlp
  Tensors parameters = net.parameters();
  at::manual_seed(1);
  const Tensor x = random_input(net, 16);
  const Tensor labels = forward(net, x, Keep::nothing).logits.argmax(1);
  // Larger last weights stretch all margins.
  const Tensor margins = std::get<0>(forward(net, x, Keep::nothing).logits.topk(2, 1));
  const double least = (margins.select(1, 0) - margins.select(1, 1)).min().item<double>();
  parameters[parameters.size() - 2].mul_(30 / least);
  parameters.back().mul_(30 / least);
  const auto largest = [&](const Network& network) {
    const auto data = std::make_shared<CurvatureSamples>(network, x.to(network.dtype()), labels,
                                                         default_curvature_memory);
    return top_eigenpairs(loss_hessian(data), options(1, 1e-6)).values[0].item<double>();
  };
  const double expected = largest(net);
  EXPECT_LT(expected, 1e-6);
  EXPECT_NEAR(largest(net.to(at::kFloat)), expected, 1e-3 * expected);
}

LinearOperator dense(const Tensor& matrix) {
  return {matrix.size(0), at::kDouble, at::kCPU,
          [matrix](const Tensor& v) { return at::mv(matrix, v); }};
}

// A symmetric matrix with the given eigenvalues.
Tensor with_eigenvalues(const Tensor& values) {
  at::manual_seed(2);
  const int64_t size = values.size(0);
  const Tensor q = std::get<0>(at::linalg_qr(at::randn({size, size}, at::kDouble)));
  return at::mm(q * values, q.t());
}

TEST(Eigenpairs, EqualThoseOfADenseMatrix) {
  // Fast decay as in networks, negative ones, and a close pair.
  Tensor values = -at::rand({120}, at::kDouble);
  values.slice(0, 0, 6).copy_(at::tensor({9.0, 5.0, 4.99, 1.0, 0.5, 0.2}, at::kDouble));
  const Tensor matrix = with_eigenvalues(values);
  const Eigenpairs pairs = top_eigenpairs(dense(matrix), options(5, 1e-6));
  ASSERT_TRUE(pairs.converged);
  EXPECT_LT(relative_error(pairs.values, values.slice(0, 0, 5)), 1e-9);
  for (int64_t k = 0; k < 5; ++k) {
    const Tensor v = pairs.vectors[k];
    EXPECT_NEAR(v.norm().item<double>(), 1, 1e-10);
    const double residual = (at::mv(matrix, v) - pairs.values[k] * v).norm().item<double>();
    EXPECT_LE(residual, 1e-6 * pairs.values[k].item<double>());
    EXPECT_NEAR(residual, pairs.residuals[k].item<double>(), 1e-10);
  }
}

TEST(Eigenpairs, AreTheSameForASeedAndTellWhenTheyAreNotFound) {
  const Tensor matrix = with_eigenvalues(at::linspace(0.99, 1, 300, at::kDouble));
  EigenpairOptions few = options(3, 1e-12);
  few.most_restarts = 1;
  const Eigenpairs a = top_eigenpairs(dense(matrix), few);
  const Eigenpairs b = top_eigenpairs(dense(matrix), few);
  EXPECT_FALSE(a.converged);
  EXPECT_TRUE(at::equal(a.values, b.values));
}

TEST(Trace, LiesWithinItsErrorBar) {
  const Tensor matrix = with_eigenvalues(at::randn({200}, at::kDouble).exp());
  const TraceEstimate estimate = estimate_trace(dense(matrix), 400, 7);
  const double exact = matrix.diagonal().sum().item<double>();
  EXPECT_GT(estimate.standard_error, 0);
  EXPECT_LT(std::abs(estimate.value - exact), 4 * estimate.standard_error);
  EXPECT_LT(estimate.standard_error, 0.05 * exact);
}

TEST(SpectralDensity, IntegratesPolynomialsAgainstTheSpectrum) {
  const Tensor values = at::randn({150}, at::kDouble);
  const SpectralDensity density = spectral_density(dense(with_eigenvalues(values)), 60, 20, 3);
  EXPECT_NEAR(density.weights.sum().item<double>(), 1, 1e-12);
  for (const int power : {1, 2, 4}) {
    const double actual = (density.weights * density.nodes.pow(power)).sum().item<double>();
    EXPECT_NEAR(actual, values.pow(power).mean().item<double>(), 0.1 * (1 + std::abs(actual)));
  }
}

TEST(SpectralDensity, IsExactForASpaceThatIsExhausted) {
  // Three distinct eigenvalues: three Lanczos steps see all there is.
  const Tensor values = at::tensor({2.0, 2.0, -1.0, 0.5, 0.5, 0.5}, at::kDouble);
  const SpectralDensity density = spectral_density(dense(with_eigenvalues(values)), 4, 6, 3);
  const Tensor distance = (density.nodes.unsqueeze(2) - values.view({1, 1, -1})).abs().amin({2});
  EXPECT_LT((distance * density.weights).sum().item<double>(), 1e-9);
}

}  // namespace
}  // namespace reluctance
