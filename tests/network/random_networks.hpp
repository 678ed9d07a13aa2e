// Random small networks that use every layer, for property tests.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "reluctance/network/architectures.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

struct NamedNetwork {
  std::string name;
  Network network;
};

inline Tensors random_weights(const Shape& shape) {
  return {at::randn(shape, at::kDouble) * 0.5, at::randn({shape[0]}, at::kDouble) * 0.3};
}

// A scale and a shift for each channel, some of them negative.
inline Tensors random_channels(int64_t channels) {
  return {at::randn({channels}, at::kDouble), at::randn({channels}, at::kDouble) * 0.3};
}

// A convolutional network with every layer in it: normalisation, padding, strides, dilation,
// groups, both poolings, LeakyReLU, affine maps of channels, transposition, residual sum,
// concatenation, gathering, mean.
inline Network every_layer() {
  // The same weights in whatever order tests run.
  at::manual_seed(3);
  Network net({2, 9, 8});
  net.append(affine_layer(),
             {at::tensor({1.5, -0.7}, at::kDouble).view({2, 1, 1}),
              at::tensor({0.1, 0.2}, at::kDouble).view({2, 1, 1})},
             false);
  net.append(pad_layer({0, 1, 0}, {0, 0, 2}, 0.3));
  ConvolutionOptions conv;
  conv.padding = {1, 2};
  conv.stride = {2, 1};
  const int stem = net.append(convolution_layer(conv), random_weights({4, 2, 3, 3}));
  net.append(relu_layer());
  conv = {};
  conv.groups = 2;
  conv.dilation = {2, 2};
  conv.padding = {2, 2};
  net.append(convolution_layer(conv), random_weights({4, 2, 3, 3}));
  const int branch = net.append(relu_layer(0.1));
  net.add(sum_layer(), {branch, stem});
  const int joined = net.append(relu_layer(-0.2));
  PoolingOptions pool;
  pool.kernel = {3, 2};
  pool.padding = {1, 0};
  pool.ceil_mode = true;
  const int max = net.add(max_pooling_layer(pool), {joined});
  const int average = net.add(average_pooling_layer(pool), {joined});
  net.add(concat_layer(0), {max, average});
  net.append(gather_layer(0, {7, 2, 0, 2, 5, 1, 4, 6}));
  net.append(convolution_layer({}), random_weights({6, 8, 1, 1}));
  net.append(channel_affine_layer(), random_channels(6));
  net.append(relu_layer());
  net.append(transpose_layer({1, 2, 0}));
  const int spread = net.append(mean_layer({0}, true));
  const auto size = elements(net.nodes()[static_cast<std::size_t>(spread)].shape);
  net.append(reshape_layer({size}));
  net.append(channel_affine_layer(), random_channels(size));
  net.append(linear_layer(), random_weights({5, size}));
  return net;
}

// Layers without a bias, and weights that several layers read: one alone, one with its bias, an
// affine map of channels.
inline Network few_parameters() {
  at::manual_seed(4);
  Network net({3, 6, 6});
  ConvolutionOptions conv;
  conv.padding = {1, 1};
  const Tensors shared = random_weights({3, 3, 3, 3});
  const Tensors channels = random_channels(3);
  net.append(convolution_layer(conv), shared);
  net.append(relu_layer());
  net.append(convolution_layer(conv), shared);
  net.append(relu_layer());
  net.append(convolution_layer(conv), {shared[0]});
  net.append(channel_affine_layer(), channels);
  net.append(relu_layer());
  net.append(channel_affine_layer(), channels);
  net.append(convolution_layer({}), {at::randn({2, 3, 1, 1}, at::kDouble) * 0.3});
  net.append(reshape_layer({72}));
  net.append(linear_layer(), {at::randn({5, 72}, at::kDouble) * 0.05});
  net.append(relu_layer());
  const Tensor square = at::randn({5, 5}, at::kDouble) * 0.5;
  net.append(linear_layer(), {square});
  net.append(relu_layer());
  net.append(linear_layer(), {square, at::randn({5}, at::kDouble)});
  return net;
}

// Six inputs, nine hidden units.
inline Network small_perceptron(int64_t classes) {
  at::manual_seed(8);
  Network net({6});
  net.append(linear_layer(), random_weights({9, 6}));
  net.append(relu_layer());
  net.append(linear_layer(), random_weights({classes, 9}));
  return net;
}

inline std::vector<NamedNetwork> networks_in_double() {
  std::vector<NamedNetwork> list;
  list.push_back({"every_layer", every_layer()});
  const auto build = [&](const std::string& name, Shape input, std::uint64_t seed) {
    ArchitectureOptions options;
    options.name = name;
    options.input_shape = std::move(input);
    options.classes = 6;
    options.hidden = {20, 15};
    options.width = 4;
    options.seed = seed;
    list.push_back({name, make_network(options).to(at::kDouble)});
  };
  build("linear", {7}, 1);
  build("mlp", {1, 5, 4}, 2);
  build("cnn", {3, 12, 12}, 3);
  build("lenet", {1, 28, 28}, 4);
  build("vgg11", {1, 28, 28}, 5);
  build("resnet18", {3, 16, 16}, 6);
  list.push_back({"few_parameters", few_parameters()});
  build("alexnet", {1, 28, 28}, 7);
  return list;
}

// How many those are.
inline constexpr int network_count = 9;

inline Tensor random_input(const Network& network, int64_t samples) {
  Shape shape{samples};
  shape.insert(shape.end(), network.input_shape().begin(), network.input_shape().end());
  return at::rand(shape, at::kDouble);
}

}  // namespace reluctance
