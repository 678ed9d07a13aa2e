// Second derivatives and per-sample norms of every network against autograd, in float64.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "network/random_networks.hpp"
#include "relative_error.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

constexpr int64_t count = 3;

// sum_i u_i . z_i with autograd's tape over parameters and input.
class SecondOrder : public testing::TestWithParam<int> {
 protected:
  SecondOrder()
      : net_(networks_in_double().at(static_cast<std::size_t>(GetParam())).network),
        taped_(net_.clone()) {
    at::manual_seed(GetParam());
    x_ = random_input(net_, count);
    u_ = at::randn({count, net_.classes()}, at::kDouble);
    for (Tensor& parameter : leaves_ = taped_.parameters()) {
      parameter.requires_grad_();
      direction_.parameters.push_back(at::randn_like(parameter));
    }
    input_ = x_.clone().requires_grad_();
    leaves_.push_back(input_);
    direction_.input = at::randn_like(x_);
    z_ = forward(taped_, input_, Keep::nothing).logits;
    pass_ = forward(net_, x_, Keep::inputs);
  }

  Network net_, taped_;
  Tensor x_, u_, input_, z_;
  Tensors leaves_;
  Direction direction_;
  Pass pass_;
};

TEST_P(SecondOrder, TangentEqualsAutograd) {
  const Tensor along = tangent(net_, pass_, direction_).logits;
  // u . (dz along d) = (d(u . z)) . d for any u.
  const Tensors gradient = grad({(z_ * u_).sum()}, leaves_, {}, true);
  double expected = (gradient.back() * direction_.input).sum().item<double>();
  for (std::size_t k = 0; k < direction_.parameters.size(); ++k) {
    expected += (gradient[k] * direction_.parameters[k]).sum().item<double>();
  }
  EXPECT_NEAR((along * u_).sum().item<double>(), expected, 1e-11 * (1 + std::abs(expected)));
}

// The derivative of the gradient along a direction is the gradient of gradient . direction.
TEST_P(SecondOrder, GradientTangentEqualsDoubleBackward) {
  const Tensor u_dot = at::randn_like(u_);
  const Primal at = primal(net_, pass_, u_);
  const Tangent moved = tangent(net_, pass_, direction_);
  const Gradients actual = gradient_tangent(net_, at, moved, u_dot, Wanted::both);

  const Tensors gradient = grad({(z_ * u_).sum()}, leaves_, {}, true, true);
  Tensor product = (z_ * u_dot).sum();
  for (std::size_t k = 0; k < direction_.parameters.size(); ++k) {
    product = product + (gradient[k] * direction_.parameters[k]).sum();
  }
  if (gradient.back().requires_grad()) {
    product = product + (gradient.back() * direction_.input).sum();
  }
  const Tensors expected = grad({product}, leaves_, {}, true, false, true);
  for (std::size_t k = 0; k < actual.parameters.size(); ++k) {
    EXPECT_LT(relative_error(actual.parameters[k], expected[k]), 1e-12) << k;
  }
  EXPECT_LT(relative_error(actual.input, expected.back()), 1e-12);

  const Gradients input = gradient_tangent(net_, at, moved, u_dot, Wanted::input);
  EXPECT_TRUE(at::equal(input.input, actual.input));
  EXPECT_TRUE(input.parameters.empty());
  const Gradients weights = gradient_tangent(net_, at, moved, u_dot, Wanted::parameters);
  EXPECT_FALSE(weights.input.defined());
  for (std::size_t k = 0; k < weights.parameters.size(); ++k) {
    EXPECT_TRUE(at::equal(weights.parameters[k], actual.parameters[k]));
  }
}

TEST_P(SecondOrder, DirectionsOfParametersOrInputAloneAddUp) {
  const Primal at = primal(net_, pass_, u_);
  const Tensor none = at::zeros_like(u_);
  Tensors sums;
  for (const Direction& part :
       {Direction{direction_.parameters, {}}, Direction{{}, direction_.input}}) {
    const Tangent moved = tangent(net_, pass_, part);
    const Gradients each = gradient_tangent(net_, at, moved, none, Wanted::parameters);
    for (std::size_t k = 0; k < each.parameters.size(); ++k) {
      if (sums.size() == k) sums.push_back(at::zeros_like(each.parameters[k]));
      sums[k] += each.parameters[k];
    }
  }
  const Tangent moved = tangent(net_, pass_, direction_);
  const Gradients both = gradient_tangent(net_, at, moved, none, Wanted::parameters);
  for (std::size_t k = 0; k < sums.size(); ++k) {
    EXPECT_LT(relative_error(sums[k], both.parameters[k]), 1e-12);
  }
}

TEST_P(SecondOrder, SecondTangentIsTheCurvatureOfTheLogits) {
  // d/dt of the tangent, as twice-applied reverse mode: u . z'' = v^T (d^2 u.z / dtheta^2) v.
  Tensors parameters(leaves_.begin(), leaves_.end() - 1);
  const Tensors gradient = grad({(z_ * u_).sum()}, parameters, {}, true, true);
  Tensor product = at::zeros({}, at::kDouble);
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    product = product + (gradient[k] * direction_.parameters[k]).sum();
  }
  double expected = 0;
  const Tensors second = grad({product}, parameters, {}, true, false, true);
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    if (second[k].defined())
      expected += (second[k] * direction_.parameters[k]).sum().item<double>();
  }
  const Tangent first = tangent(net_, pass_, {direction_.parameters, {}});
  const Tensor along = second_tangent(net_, pass_, first);
  const double actual = (along * u_).sum().item<double>();
  EXPECT_NEAR(actual, expected, 1e-11 * (1 + std::abs(expected)));
}

TEST_P(SecondOrder, GradientNormsEqualOneBackwardPerSample) {
  for (const double scale : {1.0, 1e-140}) {
    const Tensor actual = squared_gradient_norms(net_, pass_, u_ * scale).sqrt();
    for (int64_t i = 0; i < count; ++i) {
      const Pass one = forward(net_, x_.slice(0, i, i + 1), Keep::inputs);
      double square = 0;
      for (const Tensor& part : weight_gradient(net_, one, u_.slice(0, i, i + 1))) {
        square += part.square().sum().item<double>();
      }
      EXPECT_NEAR(actual[i].item<double>() / scale, std::sqrt(square), 1e-12 * std::sqrt(square));
    }
  }
}

TEST_P(SecondOrder, GradientNormsInSinglePrecision) {
  const Network single = net_.to(at::kFloat);
  const Pass pass = forward(single, x_.to(at::kFloat), Keep::inputs);
  // Gradients of confident samples, whose squares float32 cannot hold.
  const Tensor expected = squared_gradient_norms(net_, pass_, u_ * 1e-30).sqrt();
  const Tensor actual = squared_gradient_norms(single, pass, (u_ * 1e-30).to(at::kFloat)).sqrt();
  EXPECT_LT(((actual - expected) / expected).abs().max().item<double>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, SecondOrder, testing::Range(0, network_count), [](const auto& each) {
      return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
    });

// Few positions and many channels: the Gram form; many positions: the direct one.
TEST(ConvolutionNorms, BothFormsEqualTheGradient) {
  at::manual_seed(5);
  for (const int64_t size : {4, 14}) {
    ConvolutionOptions options;
    options.groups = 2;
    Network net({16, size, size});
    net.append(convolution_layer(options), random_weights({16, 8, 3, 3}));
    const Tensor x = random_input(net, 4);
    const Tensor u = at::randn({4, net.classes()}, at::kDouble);
    const Tensor norms = squared_gradient_norms(net, forward(net, x, Keep::inputs), u);
    for (int64_t i = 0; i < 4; ++i) {
      const Pass one = forward(net, x.slice(0, i, i + 1), Keep::inputs);
      double square = 0;
      for (const Tensor& part : weight_gradient(net, one, u.slice(0, i, i + 1))) {
        square += part.square().sum().item<double>();
      }
      EXPECT_NEAR(norms[i].item<double>(), square, 1e-12 * square);
    }
  }
}

}  // namespace
}  // namespace reluctance
