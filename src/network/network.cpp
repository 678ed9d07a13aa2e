#include "reluctance/network/network.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string_view>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

int64_t values_of_sample(const Network& network) {
  int64_t values = network.inputs();
  for (const Node& node : network.nodes()) values += elements(node.shape);
  return values;
}

const void* identity(const Tensor& tensor) { return tensor.unsafeGetTensorImpl(); }

}  // namespace

int Network::add(LayerPtr layer, std::vector<int> inputs, Tensors tensors, bool trainable) {
  Node node{std::move(layer), std::move(inputs), std::move(tensors), trainable, {}, {}, {}};
  for (int index : node.inputs) {
    if (index < input || index >= static_cast<int>(nodes_.size())) {
      throw Error(std::string(node.layer->name()) + ": reads a node that does not exist yet");
    }
    node.input_shapes.push_back(index == input ? input_shape_
                                               : nodes_[static_cast<std::size_t>(index)].shape);
  }
  node.shape = node.layer->shape(node.input_shapes, node.tensors);
  node.trainable = trainable && !node.tensors.empty();
  for (const Tensor& tensor : node.tensors) {
    if (!node.trainable) break;
    node.places.push_back(places_.emplace(identity(tensor), places_.size()).first->second);
  }
  nodes_.push_back(std::move(node));
  return static_cast<int>(nodes_.size()) - 1;
}

int Network::append(LayerPtr layer, Tensors tensors, bool trainable) {
  const int last = static_cast<int>(nodes_.size()) - 1;
  return add(std::move(layer), {last}, std::move(tensors), trainable);
}

const Shape& Network::output_shape() const {
  return nodes_.empty() ? input_shape_ : nodes_.back().shape;
}

int64_t Network::classes() const { return elements(output_shape()); }

int64_t Network::inputs() const { return elements(input_shape_); }

Tensors Network::parameters() const {
  Tensors all(places_.size());
  for (const Node& node : nodes_) {
    for (std::size_t k = 0; k < node.places.size(); ++k) all[node.places[k]] = node.tensors[k];
  }
  return all;
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

void Network::set_parameters(const Tensors& parameters) {
  const Tensors now = this->parameters();
  bool fits = parameters.size() == now.size();
  for (std::size_t k = 0; fits && k < now.size(); ++k) {
    fits = parameters[k].sizes() == now[k].sizes();
  }
  if (!fits) throw Error("these parameters belong to another architecture");
  places_.clear();
  for (std::size_t k = 0; k < now.size(); ++k) places_.emplace(identity(parameters[k]), k);
  for (Node& node : nodes_) {
    for (std::size_t k = 0; k < node.places.size(); ++k) {
      node.tensors[k] = parameters[node.places[k]];
    }
  }
}

Tensor Network::flat_parameters() const {
  Tensors rows;
  for (const Tensor& parameter : parameters()) rows.push_back(parameter.flatten());
  return at::cat(rows);
}

Network Network::displaced(const Tensor& displacement) const {
  Tensors moved = parameters();
  int64_t begin = 0;
  for (Tensor& parameter : moved) {
    const int64_t end = begin + parameter.numel();
    parameter = parameter + displacement.slice(0, begin, end).view(parameter.sizes());
    begin = end;
  }
  Network other = *this;
  other.set_parameters(moved);
  return other;
}

c10::ScalarType Network::dtype() const {
  for (const Node& node : nodes_) {
    if (!node.tensors.empty()) return node.tensors[0].scalar_type();
  }
  return at::kFloat;
}

c10::Device Network::device() const {
  for (const Node& node : nodes_) {
    if (!node.tensors.empty()) return node.tensors[0].device();
  }
  return at::kCPU;
}

Network Network::transformed(const std::function<Tensor(const Tensor&)>& change) const {
  Network copy = *this;
  for (Node& node : copy.nodes_) {
    if (node.trainable) continue;
    for (Tensor& tensor : node.tensors) tensor = change(tensor);
  }
  Tensors changed = parameters();
  for (Tensor& parameter : changed) parameter = change(parameter);
  copy.set_parameters(changed);
  return copy;
}

Network Network::to(c10::ScalarType dtype) const {
  return transformed([&](const Tensor& tensor) { return tensor.to(dtype); });
}

Network Network::to(c10::Device device) const {
  return transformed([&](const Tensor& tensor) { return tensor.to(device); });
}

Network Network::clone() const {
  return transformed([](const Tensor& tensor) { return tensor.clone(); });
}

int64_t bytes_of_sample(const Network& network) { return 3 * 8 * values_of_sample(network); }

Chunks chunks_of(const Network& network, int64_t count, ProgressCounter* progress) {
  const int64_t values = values_of_sample(network);
  const c10::Device device = network.device();
  if (!device.is_cpu()) {
    // All activations of a chunk; the passes keep fewer, but need room to work in.
    constexpr int64_t bytes_on_gpu = 1 << 30;
    return {device, count, std::max<int64_t>(bytes_on_gpu / (values * 4), 16), progress};
  }
  // Activations of about 3 MB per chunk were fastest on every architecture tried, from a perceptron
  // (500 samples) to convolutions at full resolution (64 samples).
  constexpr int64_t bytes_per_chunk = 3 << 20;
  // A few samples at once pay even where they take more, but not where they take all memory.
  constexpr int64_t most_bytes = 256 << 20;
  const int64_t few = std::clamp<int64_t>(most_bytes / (values * 4), 1, 16);
  return {device, count, std::clamp<int64_t>(bytes_per_chunk / (values * 4), few, 512), progress};
}

std::string summary(const Network& network) {
  std::string text = to_string(network.input_shape());
  std::string gates;
  for (const Node& node : network.nodes()) {
    const std::string_view kind = node.layer->name();
    if (kind == "Relu" || kind == "LeakyRelu") gates = kind == "Relu" ? ", ReLU" : ", LeakyReLU";
    if (kind == "BatchNormalization") {
      text += " affine";
    } else if (node.trainable) {
      text += (kind == "Conv" ? " - conv " : " - ") + to_string(node.shape);
    }
    if (kind == "MaxPool") text += " - max " + to_string(node.shape);
  }
  return text + gates;
}

}  // namespace reluctance
