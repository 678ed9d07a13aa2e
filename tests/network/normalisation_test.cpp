// Networks that want (x - mean) / std, given x.
#include "reluctance/network/normalisation.hpp"

#include <gtest/gtest.h>

#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

TEST(Normalisation, TakesWhatTheNetworkTakesNormalised) {
  for (const auto& [name, network] : networks_in_double()) {
    SCOPED_TRACE(name);
    const Tensor x = random_input(network, 5);
    const Network wrapped = normalised(network, {{0.4}, {0.2}});
    EXPECT_TRUE(at::allclose(logits(wrapped, x), logits(network, (x - 0.4) / 0.2), 1e-12, 1e-12));
    // What is trained is what was trained, in the same order and shared as before.
    const Tensors ours = wrapped.parameters();
    const Tensors theirs = network.parameters();
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(ours[i].is_same(theirs[i]));
  }
}

Network flattened(const Shape& input) {
  Network network(input);
  network.append(reshape_layer({elements(input)}));
  network.append(linear_layer(), random_weights({2, elements(input)}));
  return network;
}

TEST(Normalisation, HasANumberForEachChannel) {
  const std::vector<double> mean{0.1, 0.2, 0.3};
  const std::vector<double> std{0.5, 2, 4};
  for (const Shape& input : {Shape{3, 4, 5}, Shape{4, 5, 3}}) {
    const Network network = flattened(input);
    const Tensor x = random_input(network, 4);
    const Shape shape = input[0] == 3 ? Shape{3, 1, 1} : Shape{1, 1, 3};
    const Tensor wanted =
        (x - at::tensor(mean, at::kDouble).view(shape)) / at::tensor(std, at::kDouble).view(shape);
    EXPECT_TRUE(
        at::allclose(logits(normalised(network, {mean, std}), x), logits(network, wanted), 1e-12));
    EXPECT_TRUE(at::allclose(logits(normalised(network, {mean, {}}), x),
                             logits(network, x - at::tensor(mean, at::kDouble).view(shape)),
                             1e-12));
  }
}

TEST(Normalisation, RefusesWhatDoesNotFit) {
  const Network image = flattened({3, 4, 5});
  EXPECT_THROW(normalised(image, {{0.1, 0.2}, {}}), Error);
  EXPECT_THROW(normalised(image, {{}, {1, 1, 0}}), Error);
  EXPECT_THROW(normalised(flattened({3}), {{0.1, 0.2, 0.3}, {}}), Error);
}

}  // namespace
}  // namespace reluctance
