#include "simplify.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "reluctance/network/layers.hpp"

namespace reluctance::onnx_import {
namespace {

bool is(const Node& node, std::string_view name) { return node.layer->name() == name; }

bool does_nothing(const Node& affine) {
  return affine.tensors[0].eq(1).all().item<bool>() && affine.tensors[1].eq(0).all().item<bool>();
}

using Source = ImportedNetwork::Source;

// One sweep in topological order that copies the nodes it keeps.
class Simplifier {
 public:
  Simplifier(const Draft& draft, int output)
      : draft_(draft.network),
        origins_(draft.origins),
        readers_(draft_.nodes().size(), 0),
        moved_(draft_.nodes().size()) {
    for (const auto& [memory, name] : draft.names) sources_[memory] = {name};
    needed_ = reached(draft_.nodes(), output);
    for (std::size_t i = 0; i < needed_.size(); ++i) {
      if (!needed_[i]) continue;
      const Node& node = draft_.nodes()[i];
      for (int from : node.inputs) {
        if (from != Network::input) ++readers_[index(from)];
      }
    }
  }

  Simplified run(int output) {
    for (std::size_t i = 0; i < needed_.size(); ++i) {
      if (needed_[i]) moved_[i] = visit(i);
    }
    // Logits are read as a list, whatever their shape.
    int last = moved(output);
    while (last != Network::input && is(kept_[index(last)].node, "Reshape")) {
      last = kept_[index(last)].node.inputs[0];
    }
    return rebuilt(last);
  }

 private:
  struct Kept {
    Node node;
    Origin origin;
    int readers;
  };

  // Of the file's tensors and of those made from them.
  Source source_of(const Tensor& tensor) const {
    const auto found = sources_.find(tensor.data_ptr());
    return found == sources_.end() ? Source{} : found->second;
  }

  static std::size_t index(int node) { return static_cast<std::size_t>(node); }

  static std::vector<bool> reached(const std::vector<Node>& nodes, int output) {
    std::vector<bool> needed(nodes.size(), false);
    if (output != Network::input) needed[index(output)] = true;
    for (std::size_t i = nodes.size(); i-- > 0;) {
      if (!needed[i]) continue;
      for (int from : nodes[i].inputs) {
        if (from != Network::input) needed[index(from)] = true;
      }
    }
    return needed;
  }

  int moved(int node) const { return node == Network::input ? node : moved_[index(node)]; }

  const Shape& shape(int kept) const {
    return kept == Network::input ? draft_.input_shape() : kept_[index(kept)].node.shape;
  }

  // Where the output of the node is found among the kept ones.
  int visit(std::size_t i) {
    Node node = draft_.nodes()[i];
    for (int& from : node.inputs) from = moved(from);
    int& from = node.inputs[0];
    if (is(node, "Reshape")) {
      while (from != Network::input && is(kept_[index(from)].node, "Reshape") &&
             shape(from) != node.shape) {
        --kept_[index(from)].readers;
        from = kept_[index(from)].node.inputs[0];
        if (from != Network::input) ++kept_[index(from)].readers;
      }
      if (shape(from) == node.shape) return take_over(from, i);
    }
    if (is_affine(node) && absorbed(from, node, origins_[i])) return take_over(from, i);
    kept_.push_back({std::move(node), origins_[i], readers_[i]});
    return static_cast<int>(kept_.size()) - 1;
  }

  // The readers of node i read `kept` instead, which i itself no longer does.
  int take_over(int kept, std::size_t i) {
    if (kept != Network::input) kept_[index(kept)].readers += readers_[i] - 1;
    return kept;
  }

  // Works an affine node into the one before it, if that serves nobody else.
  bool absorbed(int before, const Node& affine, Origin origin) {
    if (before == Network::input || kept_[index(before)].readers != 1) return false;
    auto& [node, earlier, readers] = kept_[index(before)];
    Tensors& tensors = node.tensors;
    const Tensor& scale = affine.tensors[0];
    const Tensor& shift = affine.tensors[1];
    const bool linear = is(node, "Conv") || is(node, "Gemm");
    if (linear && origin == Origin::shift) {
      Shape channels(node.shape.size(), 1);
      channels[0] = node.shape[0];
      // One number for all channels is no bias.
      if (shift.numel() != node.shape[0] || !fits(shift, channels)) return false;
      const Tensor bias = shift.reshape({-1});
      Source source = source_of(tensors.size() == 1 ? shift : tensors[1]);
      source.folded = tensors.size() > 1;
      tensors = {tensors[0], tensors.size() == 1 ? bias : tensors[1] + bias};
      sources_[tensors[1].data_ptr()] = source;
      return true;
    }
    if (earlier == Origin::scale && origin == Origin::shift) {
      tensors = {tensors[0], shift};
    } else if (earlier == Origin::shift && origin == Origin::scale) {
      tensors = {scale, tensors[1] * scale};
    } else {
      return false;
    }
    earlier = Origin::layer;
    return true;
  }

  static bool fits(const Tensor& constant, const Shape& channels) {
    const auto rank = static_cast<std::size_t>(constant.dim());
    for (std::size_t i = 0; i < rank; ++i) {
      const int64_t extent = constant.size(static_cast<int64_t>(i));
      if (extent != 1 && extent != channels[channels.size() - rank + i]) return false;
    }
    return true;
  }

  Simplified rebuilt(int output) const {
    std::vector<Node> nodes;
    for (const Kept& kept : kept_) nodes.push_back(kept.node);
    const std::vector<bool> needed = reached(nodes, output);  // reshapes may have been bypassed
    Network network(draft_.input_shape());
    std::vector<int> place(nodes.size(), Network::input);
    std::map<TensorKey, Tensor> owned;
    std::vector<Source> sources;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!needed[i]) continue;
      for (int& from : nodes[i].inputs) {
        if (from != Network::input) from = place[index(from)];
      }
      if (is_affine(nodes[i]) && does_nothing(nodes[i])) {
        place[i] = nodes[i].inputs[0];
        continue;
      }
      // Training changes tensors in place: what is one tensor in the file, however often it is
      // read, is one here, and shares its memory with nothing else.
      std::vector<Source> origins;
      for (Tensor& tensor : nodes[i].tensors) {
        origins.push_back(source_of(tensor));
        origins.back().transposed = !tensor.is_contiguous();
        Tensor& own = owned[key_of(tensor)];
        if (!own.defined() || !nodes[i].trainable) own = tensor.clone(at::MemoryFormat::Contiguous);
        tensor = own;
      }
      place[i] = network.add(nodes[i].layer, nodes[i].inputs, nodes[i].tensors, nodes[i].trainable);
      const std::vector<std::size_t>& places = network.nodes().back().places;
      for (std::size_t k = 0; k < places.size(); ++k) {
        if (places[k] == sources.size()) sources.push_back(origins[k]);
      }
    }
    return {std::move(network), std::move(sources)};
  }

  const Network& draft_;
  const std::vector<Origin>& origins_;
  std::vector<bool> needed_;
  std::vector<int> readers_;                         // of each draft node
  std::vector<int> moved_;                           // draft node -> kept node
  std::unordered_map<const void*, Source> sources_;  // by their memory
  std::vector<Kept> kept_;
};

}  // namespace

TensorKey key_of(const Tensor& tensor) {
  return {tensor.data_ptr(),
          {tensor.sizes().begin(), tensor.sizes().end()},
          {tensor.strides().begin(), tensor.strides().end()}};
}

bool is_affine(const Node& node) { return is(node, "Mul"); }

Simplified simplified(const Draft& draft, int output) {
  return Simplifier(draft, output).run(output);
}

}  // namespace reluctance::onnx_import
