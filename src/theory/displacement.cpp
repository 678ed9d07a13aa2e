#include "reluctance/theory/displacement.hpp"

#include <ATen/ATen.h>

#include "reluctance/network/layers.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

// The fully connected layer that the input comes to, perhaps by way of a Reshape; -1 for none.
int reading_layer(const Network& network) {
  int from = Network::input;
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    const Node& node = network.nodes()[i];
    if (node.inputs.size() != 1 || node.inputs[0] != from) return -1;
    const std::string name = node.layer->name();
    if (name == "Gemm" && node.trainable) return static_cast<int>(i);
    if (name != "Reshape") return -1;
    from = static_cast<int>(i);
  }
  return -1;
}

}  // namespace

bool has_first_layer(const Network& network) { return reading_layer(network) >= 0; }

Network with_first_layer(const Network& network) {
  if (has_first_layer(network)) return network;
  const int64_t pixels = network.inputs();
  Network result(network.input_shape());
  result.append(reshape_layer({pixels}));
  result.append(linear_layer(), {at::eye(pixels, network.parameters().at(0).options())});
  const int front = result.append(reshape_layer(network.input_shape()));
  for (const Node& node : network.nodes()) {
    std::vector<int> inputs = node.inputs;
    for (int& each : inputs) each += front + 1;
    result.add(node.layer, inputs, node.tensors, node.trainable);
  }
  return result;
}

Tensor hidden_squares(const Network& network, const Samples& samples, const Tensor& u) {
  const Primal at = primal(network, forward(network, samples.images, Keep::inputs), u);
  return at.adjoints[static_cast<std::size_t>(reading_layer(network))].flatten(1).square().sum(1);
}

Displacement displacement(const Network& network, const Samples& sample, const Tensor& delta,
                          const Loss& loss) {
  const Pass pass = forward(network, sample.images, Keep::inputs);
  const Tensor x = sample.images.flatten();
  const Tensor moved = delta.flatten();
  const Tensor weight = network.parameters().at(0);
  Displacement result{at::outer(at::mv(weight, moved), x) / x.dot(x), {}, 0};

  const Tensor s = loss.gradient(pass.logits, sample.labels);
  const Primal at = primal(network, pass, s);
  Direction along;
  for (const Tensor& each : network.parameters()) along.parameters.push_back(at::zeros_like(each));
  along.parameters[0] = result.weight;
  const Tangent tilted = tangent(network, pass, along);
  const Tensor bent = loss.hessian_vector(pass.logits, tilted.logits);
  const Tensor curved =
      gradient_tangent(network, at, tilted, bent, Wanted::parameters).parameters[0];
  const Tensor clean = weight_gradient(network, pass, s)[0];
  result.share = (curved.norm() / clean.norm()).item<double>();

  // The layer's input moves, too: (dz/dh)^T s(x + delta) is the adjoint at its output.
  const Tensor there = pass.logits + jacobian_vector(network, pass, delta);
  const Primal at_there = primal(network, pass, loss.gradient(there, sample.labels));
  const Tensor& adjoint = at_there.adjoints[static_cast<std::size_t>(reading_layer(network))];
  result.gradient = clean + curved + at::outer(adjoint.flatten(), moved);
  return result;
}

}  // namespace reluctance
