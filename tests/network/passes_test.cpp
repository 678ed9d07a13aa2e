// Every linear pass of every network against autograd and against each other, in float64.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "network/random_networks.hpp"
#include "relative_error.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr int64_t samples = 3;

class Passes : public testing::TestWithParam<int> {
 protected:
  Passes() : named_(networks_in_double().at(static_cast<std::size_t>(GetParam()))) {
    at::manual_seed(GetParam());
    x_ = random_input(named_.network, samples);
  }

  const Network& network() const { return named_.network; }

  // The same function with autograd's tape: the layers' apply records it.
  Tensor taped(const Tensor& x) const { return forward(network(), x, Keep::nothing).logits; }

  NamedNetwork named_;
  Tensor x_;
};

TEST_P(Passes, JacobianRowsEqualAutograd) {
  const Tensor x = x_.clone().requires_grad_();
  const Tensor z = taped(x);
  const Pass pass = forward(network(), x_, Keep::gates);
  ASSERT_TRUE(at::allclose(pass.logits, z));
  const int64_t classes = network().classes();
  // All classes in one pass: copy k of the batch carries class k.
  const Tensor seeds = at::eye(classes, at::kDouble).repeat_interleave(samples, 0);
  const Tensor rows = vector_jacobian(network(), pass, seeds);
  for (int64_t k = 0; k < classes; ++k) {
    const Tensor expected = torch::autograd::grad({z.select(1, k).sum()}, {x}, {}, true)[0];
    EXPECT_LT(relative_error(rows.slice(0, k * samples, (k + 1) * samples), expected), 1e-12);
  }
}

TEST_P(Passes, JacobianVectorIsTheAdjointOfVectorJacobian) {
  const Pass pass = forward(network(), x_, Keep::gates);
  const int64_t copies = 4;
  const Tensor v = random_input(network(), copies * samples) - 0.5;
  const Tensor u = at::randn({copies * samples, network().classes()}, at::kDouble);
  const double left = (jacobian_vector(network(), pass, v) * u).sum().item<double>();
  const double right = (vector_jacobian(network(), pass, u) * v).sum().item<double>();
  EXPECT_NEAR(left, right, 1e-11 * (std::abs(left) + 1));
}

TEST_P(Passes, JacobianVectorEqualsAFiniteDifferenceInsideTheRegion) {
  const Pass pass = forward(network(), x_, Keep::gates);
  const Tensor v = random_input(network(), samples) - 0.5;
  const double step = 1e-7;  // small enough that no gate flips; the function is affine in between
  const Pass moved = forward(network(), x_ + step * v, Keep::gates);
  ASSERT_EQ(gates_flipped(network(), pass, moved).sum().item<double>(), 0.0);
  EXPECT_LT(
      relative_error((moved.logits - pass.logits) / step, jacobian_vector(network(), pass, v)),
      1e-6);
}

TEST_P(Passes, ChordMapsTheDifferenceExactly) {
  const Tensor there = random_input(network(), samples);
  const Pass between = chord(network(), x_, there);
  const Tensor difference = forward(network(), there, Keep::nothing).logits -
                            forward(network(), x_, Keep::nothing).logits;
  EXPECT_LT(relative_error(jacobian_vector(network(), between, there - x_), difference), 1e-12);
  const Tensor near = x_ + 1e-3 * (there - x_);
  const Tensor step =
      forward(network(), near, Keep::nothing).logits - forward(network(), x_, Keep::nothing).logits;
  EXPECT_LT(relative_error(jacobian_vector(network(), chord(network(), x_, near), near - x_), step),
            1e-9);
  const Tensor u = at::randn({samples, network().classes()}, at::kDouble);
  const double left = (jacobian_vector(network(), between, there) * u).sum().item<double>();
  const double right = (vector_jacobian(network(), between, u) * there).sum().item<double>();
  EXPECT_NEAR(left, right, 1e-11 * (std::abs(left) + 1));
}

TEST_P(Passes, WeightGradientsEqualAutograd) {
  Network taped_network = network().clone();
  Tensors parameters = taped_network.parameters();
  for (Tensor& parameter : parameters) parameter.requires_grad_();
  const Tensor x = x_.clone().requires_grad_();
  const Tensor u = at::randn({samples, network().classes()}, at::kDouble);
  const Tensor z = forward(taped_network, x, Keep::nothing).logits;
  Tensors leaves = parameters;
  leaves.push_back(x);
  const Tensors expected = torch::autograd::grad({(z * u).sum()}, leaves);

  const Pass pass = forward(network(), x_, Keep::inputs);
  const Gradients both = gradients(network(), pass, u);
  const Tensors alone = weight_gradient(network(), pass, u);
  ASSERT_EQ(both.parameters.size(), parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_LT(relative_error(both.parameters[i], expected[i]), 1e-12);
    EXPECT_TRUE(at::equal(both.parameters[i], alone[i]));
  }
  EXPECT_LT(relative_error(both.input, expected.back()), 1e-12);
  EXPECT_TRUE(at::equal(both.input, vector_jacobian(network(), pass, u)));
}

TEST_P(Passes, ChunkedLogitsEqualOnePass) {
  const Tensor x = random_input(network(), 40);
  EXPECT_TRUE(at::allclose(logits(network(), x), forward(network(), x, Keep::nothing).logits));
}

TEST_P(Passes, TheInputIsNeverOverwritten) {
  const Tensor before = x_.clone();
  forward(network(), x_, Keep::inputs);
  EXPECT_TRUE(at::equal(before, x_));
}

INSTANTIATE_TEST_SUITE_P(Networks, Passes, testing::Range(0, network_count), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

// What commands do at their door: files hold float32 images of any shape.
TEST(AsInputs, FitsImagesToTheNetworkAndKeepsTheirLabels) {
  Network net({2, 3, 4});
  net.append(reshape_layer({24}));
  net.append(linear_layer(), random_weights({5, 24}));
  const Tensor flat = at::rand({6, 24});
  const Samples given(flat, at::arange(6) % 5, at::arange(6) + 40);
  const Samples inputs = as_inputs(net, given);
  EXPECT_EQ(inputs.images.sizes(), (at::IntArrayRef{6, 2, 3, 4}));
  EXPECT_TRUE(at::equal(inputs.images, flat.to(at::kDouble).view({6, 2, 3, 4})));
  EXPECT_TRUE(at::equal(inputs.labels, given.labels));
  EXPECT_TRUE(at::equal(inputs.index, given.index));
  EXPECT_TRUE(at::equal(as_inputs(net, flat), inputs.images));
}

TEST(ChunksOfANetwork, CoverItsSamplesOnItsDeviceAndTell) {
  const Network wide = networks_in_double().at(6).network;  // resnet18
  Network narrow({1});
  narrow.append(relu_layer());
  ProgressCounter counter({}, 7);
  const Chunks chunks = chunks_of(wide, 7, &counter);
  EXPECT_EQ(chunks.count, 7);
  EXPECT_TRUE(chunks.device.is_cpu());
  EXPECT_EQ(chunks.progress, &counter);
  EXPECT_GE(chunks.size, 1);
  // What takes more memory is cut finer.
  EXPECT_GT(chunks_of(narrow, 7).size, chunks.size);
}

TEST(GatesFlipped, CountsUnitsThatChangeSign) {
  Network net({3});
  net.append(relu_layer());
  const Pass a = forward(net, at::tensor({1.0, 1.0, -1.0}).view({1, 3}), Keep::gates);
  const Pass b = forward(net, at::tensor({1.0, -2.0, 5.0}).view({1, 3}), Keep::gates);
  EXPECT_DOUBLE_EQ(gates_flipped(net, a, b).item<double>(), 2.0 / 3.0);
}

TEST(Network, RefusesWhatDoesNotFit) {
  Network net({4});
  EXPECT_THROW(net.append(linear_layer(), random_weights({3, 5})), Error);
  EXPECT_THROW(net.append(convolution_layer({}), random_weights({3, 4, 1, 1})), Error);
  EXPECT_THROW(net.add(relu_layer(), {3}), Error);
  net.append(linear_layer(), random_weights({3, 4}));
  EXPECT_THROW(forward(net, at::zeros({2, 5}, at::kDouble), Keep::nothing), Error);
  EXPECT_THROW(net.set_parameters({at::zeros({3, 4})}), Error);
}

TEST(Architectures, TheSeedDecidesTheWeights) {
  ArchitectureOptions options;
  const Network a = make_network(options);
  EXPECT_EQ(a.parameter_count(), 784 * 256 + 2 * 256 * 256 + 256 * 10 + 3 * 256 + 10);
  EXPECT_TRUE(at::equal(a.parameters()[0], make_network(options).parameters()[0]));
  options.seed = 1;
  EXPECT_FALSE(at::equal(a.parameters()[0], make_network(options).parameters()[0]));
  options.name = "perceptron";
  EXPECT_THROW(make_network(options), Error);
}

}  // namespace
}  // namespace reluctance
