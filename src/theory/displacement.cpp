#include "reluctance/theory/displacement.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

// How many inputs of the network's nodes are the output of node `from`.
int64_t readers(const Network& network, int from) {
  int64_t count = 0;
  for (const Node& node : network.nodes()) {
    count += std::count(node.inputs.begin(), node.inputs.end(), from);
  }
  return count;
}

int64_t holders_of_first(const Network& network) {
  int64_t count = 0;
  for (const Node& node : network.nodes()) {
    count += std::count(node.places.begin(), node.places.end(), std::size_t{0});
  }
  return count;
}

// The layer of has_first_layer, which the input may come to by way of a Reshape; -1 for none.
int reading_layer(const Network& network) {
  int from = Network::input;
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    const Node& node = network.nodes()[i];
    if (node.inputs != std::vector<int>{from} || readers(network, from) != 1) return -1;
    const std::string name = node.layer->name();
    if (name == "Gemm" && node.trainable) {
      return holders_of_first(network) == 1 ? static_cast<int>(i) : -1;
    }
    if (name != "Reshape") return -1;
    from = static_cast<int>(i);
  }
  return -1;
}

Tensor hidden(const Network& network, const Pass& pass, const Tensor& u) {
  const int layer = reading_layer(network);
  if (layer < 0) return vector_jacobian(network, pass, u).flatten(1);
  return primal(network, pass, u).adjoints[static_cast<std::size_t>(layer)].flatten(1);
}

}  // namespace

bool has_first_layer(const Network& network) { return reading_layer(network) >= 0; }

Tensor hidden_gradients(const Network& network, const Samples& samples, const Tensor& u) {
  return hidden(network, forward(network, samples.images, Keep::inputs), u);
}

Displacement displacement(const Network& network, const Samples& samples, const Tensor& delta,
                          const Loss& loss) {
  const Pass pass = forward(network, samples.images, Keep::inputs);
  const Tensor moved = jacobian_vector(network, pass, delta);
  const Tensor plain = hidden(network, pass, loss.gradient(pass.logits, samples.labels));
  const Tensor curved = hidden(network, pass, loss.hessian_vector(pass.logits, moved));
  const Tensor there = loss.gradient(pass.logits + moved, samples.labels);
  return {plain + curved, hidden(network, pass, there), curved.norm(2, 1) / plain.norm(2, 1)};
}

}  // namespace reluctance
