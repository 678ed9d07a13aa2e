#include "reluctance/network/second_order.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <utility>

#include "network/sweep.hpp"
#include "network/wires.hpp"

namespace reluctance {
namespace {

Site site_of(const Node& node, const Pass& pass, std::size_t i) {
  return {node.input_shapes, node.tensors, pass.gates[i], pass.chord};
}

// A forward sweep of derivatives. `at_node` adds what node i itself contributes to the derivative
// of its output, if anything; undefined tensors are zero.
template <typename AtNode>
Tensor forward_sweep(const Network& network, const Pass& pass, const Tensor& input,
                     const AtNode& at_node) {
  Wires wires(network, input);
  const int64_t samples = pass.logits.size(0);
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    const Node& node = network.nodes()[i];
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
      const Tensor carried = node.layer->linear(inputs, site_of(node, pass, i));
      output = output.defined() ? output.add_(carried) : carried;
    }
    wires.put(i, output);
  }
  const Tensor output = wires.output();
  return output.defined() ? as_logits(output) : at::zeros_like(pass.logits);
}

// The nodes that hold a parameter which another one holds, too.
std::vector<bool> shared_nodes(const Network& network) {
  std::vector<int> holders(network.parameters().size(), 0);
  for (const Node& node : network.nodes()) {
    for (const std::size_t place : node.places) ++holders[place];
  }
  std::vector<bool> shared;
  for (const Node& node : network.nodes()) {
    shared.push_back(std::any_of(node.places.begin(), node.places.end(),
                                 [&](std::size_t place) { return holders[place] > 1; }));
  }
  return shared;
}

// Squared norms of each sample's gradient of these nodes' parameters, whose parts add up before
// they are squared: sample by sample.
Tensor norms_together(const Network& network, const Pass& pass,
                      const std::vector<std::pair<std::size_t, Tensor>>& nodes) {
  Tensor norms = at::zeros({pass.logits.size(0)}, pass.logits.options().dtype(at::kDouble));
  for (int64_t sample = 0; sample < norms.size(0); ++sample) {
    std::map<std::size_t, Tensor> sums;
    for (const auto& [i, adjoint] : nodes) {
      const Node& node = network.nodes()[i];
      const auto one = [sample](const Tensor& rows) { return rows.slice(0, sample, sample + 1); };
      const Tensors parts =
          node.layer->weights(one(pass.inputs[i]), one(adjoint), site_of(node, pass, i));
      for (std::size_t k = 0; k < parts.size(); ++k) {
        Tensor& sum = sums[node.places[k]];
        sum = sum.defined() ? sum + parts[k] : parts[k];
      }
    }
    for (const auto& [place, sum] : sums) norms[sample] += sum.norm().to(at::kDouble).square();
  }
  return norms;
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
  Tensor input = direction.input;
  if (input.defined()) input = as_samples(input, network.input_shape(), "a direction");
  result.logits =
      forward_sweep(network, pass, input, [&](std::size_t i, const Tensors& moved) -> Tensor {
        const Node& node = network.nodes()[i];
        if (!node.trainable) return {};
        result.inputs[i] = moved[0];
        const Tensors along = parameters_of(node, direction.parameters);
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
  return forward_sweep(network, pass, {}, [&](std::size_t i, const Tensors&) -> Tensor {
    const Node& node = network.nodes()[i];
    const Tensors along = parameters_of(node, first.direction.parameters);
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
  const std::vector<bool> shared = shared_nodes(network);
  std::vector<std::pair<std::size_t, Tensor>> together;  // nodes and the adjoints of their outputs
  Tensor norms = at::zeros_like(lengths);
  SweepOptions options;
  options.visit = [&](std::size_t i, const Tensor& adjoint) {
    if (shared[i]) {
      together.emplace_back(i, adjoint);
    } else {
      const Node& node = network.nodes()[i];
      norms += node.layer->weight_norms(pass.inputs[i], adjoint, site_of(node, pass, i));
    }
  };
  sweep(network, pass, units, options);
  if (!together.empty()) norms += norms_together(network, pass, together);
  return norms * lengths.square();
}

}  // namespace reluctance
