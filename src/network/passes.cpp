#include "reluctance/network/passes.hpp"

#include <ATen/ATen.h>

#include "network/sweep.hpp"
#include "network/wires.hpp"
#include "reluctance/base/chunks.hpp"

namespace reluctance {

Tensor as_inputs(const Network& network, const Tensor& images) {
  Shape shape{images.size(0)};
  shape.insert(shape.end(), network.input_shape().begin(), network.input_shape().end());
  return images.to(network.device(), network.dtype()).reshape(shape);
}

Samples as_inputs(const Network& network, const Samples& samples) {
  return samples.with_images(as_inputs(network, samples.images)).to(network.device());
}

Pass forward(const Network& network, const Tensor& x, Keep keep) {
  const auto& nodes = network.nodes();
  Pass pass;
  pass.gates.resize(nodes.size());
  pass.inputs.resize(nodes.size());
  Wires wires(network, as_samples(x, network.input_shape(), "an input"));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const Tensors inputs = wires.take(i);
    if (keep == Keep::inputs && node.trainable) pass.inputs[i] = inputs[0];
    wires.put(i, node.layer->apply(inputs, node.tensors,
                                   keep == Keep::nothing ? nullptr : &pass.gates[i]));
  }
  pass.logits = as_logits(wires.output());
  return pass;
}

Pass chord(const Network& network, const Tensor& xa, const Tensor& xb) {
  const auto& nodes = network.nodes();
  Pass pass;
  pass.chord = true;
  pass.gates.resize(nodes.size());
  pass.inputs.resize(nodes.size());
  Wires at_a(network, as_samples(xa, network.input_shape(), "an input"));
  Wires at_b(network, as_samples(xb, network.input_shape(), "an input"));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Tensors from_a = at_a.take(i);
    const Tensors from_b = at_b.take(i);
    pass.gates[i] = nodes[i].layer->chord(from_a, from_b);
    at_a.put(i, nodes[i].layer->apply(from_a, nodes[i].tensors, nullptr));
    at_b.put(i, nodes[i].layer->apply(from_b, nodes[i].tensors, nullptr));
  }
  pass.logits = as_logits(at_a.output());
  return pass;
}

Tensor logits(const Network& network, const Tensor& x) {
  return map_chunks(chunks_of(network, x.size(0)), [&](int64_t begin, int64_t end) {
    return Tensors{forward(network, x.slice(0, begin, end), Keep::nothing).logits};
  })[0];
}

Tensor jacobian_vector(const Network& network, const Pass& pass, const Tensor& v) {
  Wires wires(network, as_samples(v, network.input_shape(), "a direction"));
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    const Node& node = network.nodes()[i];
    const Tensors inputs = wires.take(i);
    wires.put(i, node.layer->linear(inputs,
                                    {node.input_shapes, node.tensors, pass.gates[i], pass.chord}));
  }
  return as_logits(wires.output());
}

Tensor vector_jacobian(const Network& network, const Pass& pass, const Tensor& u) {
  SweepOptions options;
  options.want_input = true;
  return sweep(network, pass, u, options).input;
}

Tensors weight_gradient(const Network& network, const Pass& pass, const Tensor& u) {
  SweepOptions options;
  options.want_parameters = true;
  return sweep(network, pass, u, options).parameters;
}

Gradients gradients(const Network& network, const Pass& pass, const Tensor& u) {
  SweepOptions options;
  options.want_input = true;
  options.want_parameters = true;
  return sweep(network, pass, u, options);
}

Tensor gates_flipped(const Network& network, const Pass& a, const Pass& b) {
  const int64_t samples = a.logits.size(0);
  Tensor flipped = at::zeros({samples}, at::kDouble);
  int64_t gates = 0;
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    if (!a.gates[i].defined()) continue;
    const Layer& layer = *network.nodes()[i].layer;
    const Tensor differs = layer.pattern(a.gates[i]).ne(layer.pattern(b.gates[i])).flatten(1);
    flipped += differs.sum(1).to(at::kCPU, at::kDouble);
    gates += differs.size(1);
  }
  return gates > 0 ? flipped / gates : flipped;
}

}  // namespace reluctance
