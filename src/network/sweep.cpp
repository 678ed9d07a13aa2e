#include "network/sweep.hpp"

#include <ATen/ATen.h>

#include "network/wires.hpp"

namespace reluctance {
namespace {

// For each node whether somebody needs its adjoint: a trainable node, or the input, upstream.
std::vector<bool> needed_adjoints(const Network& network, bool want_input, bool want_parameters) {
  const auto& nodes = network.nodes();
  std::vector<bool> needed(nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    needed[i] = want_parameters && nodes[i].trainable;
    for (int from : nodes[i].inputs) {
      needed[i] = needed[i] || (from == Network::input ? want_input : needed[at_index(from)]);
    }
  }
  return needed;
}

void accumulate(Tensor& sum, const Tensor& part) { sum = sum.defined() ? sum + part : part; }

class Sweep {
 public:
  Sweep(const Network& network, const Pass& pass, const SweepOptions& options)
      : network_(network),
        nodes_(network.nodes()),
        pass_(pass),
        options_(options),
        needed_(
            needed_adjoints(network, options.want_input, options.want_parameters || options.visit)),
        adjoints_(nodes_.size()),
        parameters_(nodes_.size()) {}

  Gradients run(const Tensor& u) {
    send(static_cast<int>(nodes_.size()) - 1, u);
    const Tensors none;
    const Tensors& along = options_.tangent ? options_.tangent->direction.parameters : none;
    for (std::size_t i = nodes_.size(); i-- > 0;) visit(i, parameters_of(nodes_[i], along));
    return collect();
  }

 private:
  void send(int to, const Tensor& part) {
    if (to == Network::input) {
      if (options_.want_input) accumulate(result_.input, part);
    } else if (needed_[at_index(to)]) {
      accumulate(adjoints_[at_index(to)], part);
    }
  }

  bool passes_on(const Node& node) const {
    for (int from : node.inputs) {
      if (from == Network::input ? options_.want_input : needed_[at_index(from)]) return true;
    }
    return false;
  }

  void visit(std::size_t i, const Tensors& direction) {
    const Node& node = nodes_[i];
    const Tensor adjoint = std::move(adjoints_[i]);
    const Tensor primal =
        options_.primal && node.trainable ? options_.primal->adjoints[i] : Tensor();
    if (!adjoint.defined() && !primal.defined()) return;
    const Site site{node.input_shapes, node.tensors, pass_.gates[i], pass_.chord};
    if (node.trainable && options_.visit && adjoint.defined()) options_.visit(i, adjoint);
    if (node.trainable && options_.want_parameters) {
      if (adjoint.defined()) parameters_[i] = node.layer->weights(pass_.inputs[i], adjoint, site);
      const Tensor moved = primal.defined() ? options_.tangent->inputs[i] : Tensor();
      // Only the weight multiplies the input; the bias does not see it move.
      if (moved.defined()) accumulate_weight(i, node.layer->weights(moved, primal, site)[0]);
    }
    if (!passes_on(node)) return;
    if (adjoint.defined()) pass_on(node, node.layer->transpose(adjoint, site));
    if (primal.defined() && !direction.empty()) {
      pass_on(node, node.layer->transpose(
                        primal, {node.input_shapes, direction, pass_.gates[i], pass_.chord}));
    }
  }

  void accumulate_weight(std::size_t i, const Tensor& part) {
    if (parameters_[i].empty()) {
      for (const Tensor& tensor : nodes_[i].tensors)
        parameters_[i].push_back(at::zeros_like(tensor));
    }
    parameters_[i][0].add_(part);
  }

  void pass_on(const Node& node, const Tensors& parts) {
    for (std::size_t k = 0; k < parts.size(); ++k) send(node.inputs[k], parts[k]);
  }

  // A parameter that several nodes hold has the sum of what each contributes.
  Gradients collect() {
    if (!options_.want_parameters) return std::move(result_);
    Tensors all = network_.parameters();
    std::vector<bool> begun(all.size(), false);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (std::size_t k = 0; k < parameters_[i].size(); ++k) {
        const std::size_t place = nodes_[i].places[k];
        all[place] = begun[place] ? all[place] + parameters_[i][k] : parameters_[i][k];
        begun[place] = true;
      }
    }
    // One that no path to the output reads has no gradient.
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (!begun[k]) all[k] = at::zeros_like(all[k]);
    }
    result_.parameters = std::move(all);
    return std::move(result_);
  }

  const Network& network_;
  const std::vector<Node>& nodes_;
  const Pass& pass_;
  const SweepOptions& options_;
  std::vector<bool> needed_;
  Tensors adjoints_;
  std::vector<Tensors> parameters_;
  Gradients result_;
};

}  // namespace

Tensors parameters_of(const Node& node, const Tensors& all) {
  Tensors own;
  for (const std::size_t place : node.places) {
    if (!all.empty()) own.push_back(all[place]);
  }
  return own;
}

Gradients sweep(const Network& network, const Pass& pass, const Tensor& u,
                const SweepOptions& options) {
  return Sweep(network, pass, options).run(as_samples(u, network.output_shape(), "a direction"));
}

}  // namespace reluctance
