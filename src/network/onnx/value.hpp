// What a name in the graph stands for.
#pragma once

#include <string>
#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance::onnx_import {

// The graph is evaluated for a batch of one sample, with every shape a literal one. Wherever the
// exporter put the batch axis, and whether or not it has one, the shapes then mean what they say,
// and only the values of the network that is built have a batch axis in front.
struct Value {
  Tensor constant;            // float32, int64 or bool; undefined for an activation
  int node = Network::input;  // of an activation: the node that computes it
  Shape shape;                // in the file; a node's sample shape has the same elements in order
  // Operators that were left out at its end, because they only tell the same answer in another way
  // (Softmax, ArgMax): nothing that computes may follow.
  std::vector<std::string> dropped{};
  bool gate = false;  // the file's value is 1 where this number is positive, and 0 elsewhere

  bool is_constant() const { return constant.defined(); }

  // The file's value is the place of the greatest of these numbers.
  bool is_label() const { return !dropped.empty() && dropped.back().starts_with("Arg"); }
};

}  // namespace reluctance::onnx_import
