// Networks with what scales their channels folded: the same function and derivatives in the input.
#include "reluctance/network/folding.hpp"

#include <gtest/gtest.h>

#include "network/onnx_random.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

TEST(Folding, KeepsLogitsAndTheirDerivatives) {
  for (const auto& [name, network] : networks_and_stacks(at::kDouble)) {
    SCOPED_TRACE(name);
    const Network fewer = folded(network);
    EXPECT_LE(fewer.nodes().size(), network.nodes().size());
    const Tensor x = random_input(network, 3);
    const Pass pass = forward(network, x, Keep::gates), same = forward(fewer, x, Keep::gates);
    EXPECT_TRUE(at::allclose(same.logits, pass.logits, 1e-10, 1e-12));
    const Tensor u = at::randn_like(pass.logits);
    EXPECT_TRUE(at::allclose(vector_jacobian(fewer, same, u), vector_jacobian(network, pass, u),
                             1e-10, 1e-12));
  }
}

Network normalised_twice(bool read_again) {
  at::manual_seed(6);
  Network net({2, 4, 4});
  const int conv = net.append(convolution_layer({}), {random_weights({3, 2, 3, 3})[0]});
  const Shape channels{3, 1, 1};
  net.append(affine_layer(), {at::randn(channels, at::kDouble), at::randn(channels, at::kDouble)},
             false);
  const int normal = net.append(channel_affine_layer(), random_channels(3));
  net.append(relu_layer());
  if (read_again) net.add(sum_layer(), {normal, conv});
  net.append(reshape_layer({12}));
  net.append(linear_layer(), random_weights({4, 12}));
  net.append(channel_affine_layer(), random_channels(4));
  net.append(relu_layer());
  return net;
}

TEST(Folding, ChannelsGoIntoTheLayerBefore) {
  const Network fewer = folded(normalised_twice(false));
  std::vector<std::string> names;
  for (const Node& node : fewer.nodes()) names.emplace_back(node.layer->name());
  EXPECT_EQ(names, (std::vector<std::string>{"Conv", "Relu", "Reshape", "Gemm", "Relu"}));
  EXPECT_EQ(fewer.parameters().size(), 4U);  // the convolution has got a bias
}

TEST(Folding, WhatSomethingElseReadsStays) {
  const Network network = normalised_twice(true);
  EXPECT_EQ(folded(network).nodes().size(), network.nodes().size() - 1);
}

TEST(Folding, ChangesNothingOfTheNetworkItself) {
  const Network network = normalised_twice(false);
  const Tensor before = network.flat_parameters().clone();
  folded(network);
  EXPECT_TRUE(at::equal(network.flat_parameters(), before));
}

}  // namespace
}  // namespace reluctance
