#include "reluctance/network/passes.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/chunks.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

std::size_t at_index(int node) { return static_cast<std::size_t>(node); }

// For each node the last node that reads its output, and for the input likewise at the end.
std::vector<std::size_t> last_readers(const Network& network) {
  std::vector<std::size_t> last(network.nodes().size() + 1, 0);
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    for (int from : network.nodes()[i].inputs) {
      last[from == Network::input ? network.nodes().size() : at_index(from)] = i;
    }
  }
  return last;
}

// Values that flow along the edges of the graph; each is dropped after its last reader, so that
// layers can reuse its memory.
class Wires {
 public:
  Wires(const Network& network, Tensor input)
      : network_(network),
        last_(last_readers(network)),
        values_(network.nodes().size()),
        input_(std::move(input)) {}

  Tensors take(std::size_t node) {
    Tensors inputs;
    for (int from : network_.nodes()[node].inputs) {
      const bool is_input = from == Network::input;
      Tensor& value = is_input ? input_ : values_[at_index(from)];
      inputs.push_back(value);
    }
    for (int from : network_.nodes()[node].inputs) {
      const bool is_input = from == Network::input;
      if (last_[is_input ? values_.size() : at_index(from)] == node) {
        (is_input ? input_ : values_[at_index(from)]).reset();
      }
    }
    return inputs;
  }

  void put(std::size_t node, Tensor value) { values_[node] = std::move(value); }

  Tensor output() { return values_.empty() ? input_ : values_.back(); }

 private:
  const Network& network_;
  std::vector<std::size_t> last_;
  Tensors values_;
  Tensor input_;
};

Tensor as_samples(const Tensor& x, const Shape& sample, const char* what) {
  Shape shape{x.dim() > 0 ? x.size(0) : 0};
  if (x.dim() == 0 || x.numel() != shape[0] * elements(sample)) {
    throw Error(std::string(what) + " of " + to_string(Shape(x.sizes().begin(), x.sizes().end())) +
                " does not fit samples of " + to_string(sample));
  }
  shape.insert(shape.end(), sample.begin(), sample.end());
  return x.reshape(shape);
}

Tensor as_logits(const Tensor& output) { return output.reshape({output.size(0), -1}); }

// The reverse sweep behind all vector-Jacobian products.
Gradients sweep(const Network& network, const Pass& pass, const Tensor& u, bool want_input,
                bool want_parameters) {
  const auto& nodes = network.nodes();
  // Nodes whose adjoint somebody needs: those with a trainable tensor, or the input, upstream.
  std::vector<bool> needed(nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    needed[i] = want_parameters && nodes[i].trainable;
    for (int from : nodes[i].inputs) {
      needed[i] = needed[i] || (from == Network::input ? want_input : needed[at_index(from)]);
    }
  }

  Tensors adjoints(nodes.size());
  Gradients result;
  auto accumulate = [](Tensor& sum, const Tensor& part) {
    sum = sum.defined() ? sum + part : part;
  };
  auto send = [&](int to, const Tensor& part) {
    if (to == Network::input) {
      if (want_input) accumulate(result.input, part);
    } else if (needed[at_index(to)]) {
      accumulate(adjoints[at_index(to)], part);
    }
  };

  send(static_cast<int>(nodes.size()) - 1, as_samples(u, network.output_shape(), "a direction"));
  std::vector<Tensors> parameters(nodes.size());
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const Node& node = nodes[i];
    const Tensor adjoint = std::move(adjoints[i]);
    if (!adjoint.defined()) continue;
    const Site site{node.input_shapes, node.tensors, pass.gates[i], pass.chord};
    if (want_parameters && node.trainable) {
      parameters[i] = node.layer->weights(pass.inputs[i], adjoint, site);
    }
    bool passes_on = false;
    for (int from : node.inputs) {
      passes_on = passes_on || (from == Network::input ? want_input : needed[at_index(from)]);
    }
    if (!passes_on) continue;
    const Tensors parts = node.layer->transpose(adjoint, site);
    for (std::size_t k = 0; k < parts.size(); ++k) send(node.inputs[k], parts[k]);
  }
  if (want_parameters) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!nodes[i].trainable) continue;
      for (std::size_t k = 0; k < nodes[i].tensors.size(); ++k) {
        // A layer that no path to the output reads has no gradient.
        result.parameters.push_back(parameters[i].empty() ? at::zeros_like(nodes[i].tensors[k])
                                                          : parameters[i][k]);
      }
    }
  }
  return result;
}

}  // namespace

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
  Tensor all = at::empty({x.size(0), network.classes()},
                         at::TensorOptions().dtype(network.dtype()).device(network.device()));
  const auto chunk = [&](int64_t begin, int64_t end) {
    all.slice(0, begin, end).copy_(forward(network, x.slice(0, begin, end), Keep::nothing).logits);
  };
  for_each_chunk(network.device(), x.size(0), samples_per_chunk(network), chunk);
  return all;
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
  return sweep(network, pass, u, true, false).input;
}

Tensors weight_gradient(const Network& network, const Pass& pass, const Tensor& u) {
  return sweep(network, pass, u, false, true).parameters;
}

Gradients gradients(const Network& network, const Pass& pass, const Tensor& u) {
  return sweep(network, pass, u, true, true);
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
