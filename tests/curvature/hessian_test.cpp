// Products with the Hessian and the Gauss-Newton matrix against autograd, in float64.
#include "reluctance/curvature/hessian.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "curvature/subjects.hpp"
#include "reluctance/curvature/eigenpairs.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

constexpr int64_t count = 5;

class Curvature : public testing::TestWithParam<NetworkAndLoss> {
 protected:
  Curvature() : net_(network_of(GetParam()).network), taped_(loss_of(GetParam())) {
    at::manual_seed(std::get<0>(GetParam()));
    const Tensor x = random_input(net_, count);
    samples_ = {x, at::randint(net_.classes(), {count}, at::kLong)};
    v_ = at::randn({net_.parameter_count()}, at::kDouble);
  }

  CurvatureSamplesPtr of(const Network& network) const {
    return std::make_shared<CurvatureSamples>(network, as_inputs(network, samples_), taped_.loss);
  }

  // The same network with its parameters on the tape.
  Network on_tape(Tensors& leaves) const {
    Network network = net_.clone();
    leaves = network.parameters();
    for (Tensor& leaf : leaves) leaf.requires_grad_();
    return network;
  }

  Tensor mean_loss(const Network& network, const Samples& samples) const {
    return taped_.mean(forward(network, samples.images, Keep::nothing).logits, samples.labels);
  }

  // H v of the mean loss over some samples by double backward.
  Tensor double_backward(const Samples& samples) const {
    Tensors leaves;
    const Tensor loss = mean_loss(on_tape(leaves), samples);
    const Tensor gradient = one_row(grad({loss}, leaves, {}, true, true));
    Tensors product = grad({(gradient * v_).sum()}, leaves, {}, false, false, true);
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      if (!product[k].defined()) product[k] = at::zeros_like(leaves[k]);
    }
    return one_row(product);
  }

  // G v = J^T H_z J v likewise. J v is the derivative of J^T u, which is linear, along u.
  Tensor gauss_newton_by_double_backward() const {
    Tensors leaves;
    const Network network = on_tape(leaves);
    const Tensor z = forward(network, samples_.images, Keep::nothing).logits;
    const Tensor u = at::zeros_like(z).requires_grad_();
    const Tensor pulled = one_row(grad({z}, leaves, {u}, true, true));
    const Tensor moved = grad({(pulled * v_).sum()}, {u}, {}, true)[0];
    const Tensor bent = taped_logit_hessian(taped_, z, samples_.labels, moved);
    return one_row(grad({z}, leaves, {bent / count}));
  }

  Network net_;
  const TapedLoss& taped_;
  Samples samples_;
  Tensor v_;
};

TEST_P(Curvature, HessianEqualsDoubleBackward) {
  EXPECT_LT(relative_error(loss_hessian(of(net_)).product(v_), double_backward(samples_)), 1e-12);
}

TEST_P(Curvature, SampleCurvaturesEqualDoubleBackward) {
  const Tensor each = sample_curvatures(*of(net_), v_);
  for (int64_t i = 0; i < count; ++i) {
    const double expected = (double_backward(samples_.slice(i, i + 1)) * v_).sum().item<double>();
    EXPECT_NEAR(each[i].item<double>(), expected, 1e-11 * (1 + std::abs(expected)));
  }
}

TEST_P(Curvature, GaussNewtonEqualsDoubleBackward) {
  EXPECT_LT(relative_error(gauss_newton(of(net_)).product(v_), gauss_newton_by_double_backward()),
            1e-12);
}

TEST_P(Curvature, GaussNewtonIsTheCurvatureOfTheLossAlone) {
  const auto data = of(net_);
  const Tensor product = gauss_newton(data).product(v_);
  // v^T G v = mean of z'^T H_z z' with the dense logit Hessian.
  const Pass pass = forward(net_, samples_.images, Keep::inputs);
  const Tensor moved = tangent(net_, pass, {data->split(v_), {}}).logits;
  const Tensor factor = taped_.loss.hessian_factor(pass.logits);
  const double expected =
      at::bmm(factor.transpose(1, 2), moved.unsqueeze(2)).square().sum().item<double>() / count;
  EXPECT_NEAR((product * v_).sum().item<double>(), expected, 1e-12 * expected);
  EXPECT_NEAR(sample_gauss_newton(*data, v_).mean().item<double>(), expected, 1e-12 * expected);
  const Tensor w = at::randn_like(v_);
  EXPECT_NEAR((product * w).sum().item<double>(),
              (gauss_newton(data).product(w) * v_).sum().item<double>(), 1e-10 * expected);
}

TEST_P(Curvature, GradientEqualsAutograd) {
  Tensors leaves;
  const Tensor loss = mean_loss(on_tape(leaves), samples_);
  EXPECT_LT(relative_error(loss_gradient(*of(net_)), one_row(grad({loss}, leaves))), 1e-12);
}

TEST_P(Curvature, SinglePrecisionIsCloseToDouble) {
  const Tensor actual = loss_hessian(of(net_.to(at::kFloat))).product(v_.to(at::kFloat));
  EXPECT_LT(relative_error(actual.to(at::kDouble), loss_hessian(of(net_)).product(v_)), 1e-4);
}

// The products of a block, whose places lie anywhere, are rows and columns of the whole matrix.
TEST_P(Curvature, BlocksArePartsOfTheWhole) {
  const LinearOperator whole = loss_hessian(of(net_));
  const Tensor places = at::randperm(whole.size, at::kLong).slice(0, 0, whole.size / 3);
  const LinearOperator block = principal_block(whole, places);
  ASSERT_EQ(block.size, places.size(0));
  const Tensor v = v_.index_select(0, places);
  Tensor alone = at::zeros_like(v_);
  alone.index_put_({places}, v);
  EXPECT_TRUE(at::equal(embedded(v, places, whole.size), alone));
  EXPECT_TRUE(at::equal(block.product(v), whole.product(alone).index_select(0, places)));
}

INSTANTIATE_TEST_SUITE_P(Networks, Curvature, all_pairs(), name_of);

// A network so sure of its answers that 1 - p vanishes in float32: its curvature must not.
TEST(ConfidentCurvature, SurvivesSinglePrecision) {
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
    const auto data = std::make_shared<CurvatureSamples>(
        network, as_inputs(network, Samples(x, labels)), cross_entropy_loss());
    return largest_eigenvalue(loss_hessian(data), 1e-6);
  };
  const double expected = largest(net);
  EXPECT_LT(expected, 1e-6);
  EXPECT_NEAR(largest(net.to(at::kFloat)), expected, 1e-3 * expected);
}

}  // namespace
}  // namespace reluctance
