#include "reluctance/network/second_order.hpp"

#include <ATen/ATen.h>

#include "network/sweep.hpp"
#include "network/wires.hpp"

namespace reluctance {
namespace {

// The parameters of the trainable nodes, one after the other.
class ByNode {
 public:
  explicit ByNode(const Tensors& parameters) : next_(parameters.begin()), end_(parameters.end()) {}

  Tensors of(const Node& node) {
    if (!node.trainable || next_ == end_) return {};
    const auto first = next_;
    next_ += static_cast<std::ptrdiff_t>(node.tensors.size());
    return {first, next_};
  }

 private:
  Tensors::const_iterator next_, end_;
};

// A forward sweep of derivatives. `at_node` adds what node i itself contributes to the derivative
// of its output, if anything; undefined tensors are zero.
template <typename AtNode>
Tensor forward_sweep(const Network& network, const Pass& pass, const Tensor& input,
                     const AtNode& at_node) {
  Wires wires(network, input);
  const int64_t samples = pass.logits.size(0);
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    const Node& node = network.nodes()[i];
    const Site site{node.input_shapes, node.tensors, pass.gates[i], pass.chord};
    Tensors inputs = wires.take(i);
    Tensor output = at_node(i, inputs);
    bool moves = false;
    for (const Tensor& each : inputs) moves = moves || each.defined();
    if (moves) {
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        if (inputs[k].defined()) continue;
        Shape shape{samples};
        shape.insert(shape.end(), node.input_shapes[k].begin(), node.input_shapes[k].end());
        inputs[k] = at::zeros(shape, pass.logits.options());
      }
      const Tensor carried = node.layer->linear(inputs, site);
      output = output.defined() ? output.add_(carried) : carried;
    }
    wires.put(i, output);
  }
  const Tensor output = wires.output();
  return output.defined() ? as_logits(output) : at::zeros_like(pass.logits);
}

}  // namespace

Primal primal(const Network& network, Pass pass, const Tensor& u) {
  Primal result{std::move(pass), Tensors(network.nodes().size())};
  SweepOptions options;
  options.visit = [&](std::size_t node, const Tensor& adjoint) { result.adjoints[node] = adjoint; };
  sweep(network, result.pass, u, options);
  return result;
}

Tangent tangent(const Network& network, const Pass& pass, const Direction& direction) {
  Tangent result{direction, {}, {}};
  result.inputs.resize(network.nodes().size());
  ByNode directions(direction.parameters);
  Tensor input = direction.input;
  if (input.defined()) input = as_samples(input, network.input_shape(), "a direction");
  result.logits =
      forward_sweep(network, pass, input, [&](std::size_t i, const Tensors& moved) -> Tensor {
        const Node& node = network.nodes()[i];
        if (!node.trainable) return {};
        result.inputs[i] = moved[0];
        const Tensors along = directions.of(node);
        return along.empty() ? Tensor() : node.layer->apply({pass.inputs[i]}, along, nullptr);
      });
  return result;
}

Gradients gradient_tangent(const Network& network, const Primal& primal, const Tangent& tangent,
                           const Tensor& u_dot, Wanted wanted) {
  SweepOptions options;
  options.want_input = wanted != Wanted::parameters;
  options.want_parameters = wanted != Wanted::input;
  options.primal = &primal;
  options.tangent = &tangent;
  return sweep(network, primal.pass, u_dot, options);
}

Tensor second_tangent(const Network& network, const Pass& pass, const Tangent& first) {
  ByNode directions(first.direction.parameters);
  return forward_sweep(network, pass, {}, [&](std::size_t i, const Tensors&) -> Tensor {
    const Node& node = network.nodes()[i];
    const Tensors along = directions.of(node);
    if (along.empty() || !first.inputs[i].defined()) return {};
    return 2 * node.layer->linear({first.inputs[i]},
                                  {node.input_shapes, along, pass.gates[i], pass.chord});
  });
}

Tensor squared_gradient_norms(const Network& network, const Pass& pass, const Tensor& u) {
  // Rows of unit length: squares of small ones would vanish in float32.
  const Tensor lengths = u.to(at::kDouble).norm(2, 1);
  const Tensor units =
      (u.to(at::kDouble) / lengths.clamp_min(1e-300).unsqueeze(1)).to(pass.logits.scalar_type());
  Tensor norms = at::zeros_like(lengths);
  SweepOptions options;
  options.visit = [&](std::size_t i, const Tensor& adjoint) {
    const Node& node = network.nodes()[i];
    norms += node.layer->weight_norms(pass.inputs[i], adjoint,
                                      {node.input_shapes, node.tensors, pass.gates[i], pass.chord});
  };
  sweep(network, pass, units, options);
  return norms * lengths.square();
}

}  // namespace reluctance
