// From the network as the file spells it to the network that is meant.
#pragma once

#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "reluctance/network/onnx.hpp"

namespace reluctance::onnx_import {

// What makes two tensors one and the same: their place in memory, extents and strides.
using TensorKey = std::tuple<const void*, Shape, Shape>;
TensorKey key_of(const Tensor& tensor);

// Why a layer is there: tells which affine layers belong to the layer before them.
enum class Origin { layer, scale, shift, normalisation };

// Whether the layer is an elementwise scale and shift by constants.
bool is_affine(const Node& node);

struct Draft {
  explicit Draft(const Shape& input_shape) : network(input_shape) {}

  Network network;
  std::vector<Origin> origins;                         // of its nodes
  std::unordered_map<const void*, std::string> names;  // of the file's tensors, by their memory
};

// The nodes that `output` needs, with separate biases folded into the linear layer before them, a
// scale and a shift joined into one layer, and without layers that do nothing.
struct Simplified {
  Network network;
  std::vector<ImportedNetwork::Source> sources;  // of its parameters
};
Simplified simplified(const Draft& draft, int output);

}  // namespace reluctance::onnx_import
