// The graph of an ONNX model: which nodes are needed, in which order, and what they compute.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "builder.hpp"
#include "reluctance/network/onnx.hpp"
#include "tensors.hpp"

namespace reluctance::onnx_import {

class Graph {
 public:
  // Checks what can be checked without evaluating a node. `folder` is the model's, if it has one.
  Graph(const onnx::ModelProto& model, const std::optional<std::filesystem::path>& folder);

  // The network from the input to the output that holds the logits: the one that is named or, if
  // none is, the only one that can. Throws Error naming the node that stands in the way.
  ImportedNetwork network(const Answer& answer) const;

 private:
  // One attempt: the network up to that output.
  struct Attempt {
    ImportedNetwork imported;
    bool is_vector;  // whether the output has one axis, but for axes of extent 1
  };
  Attempt attempt(const onnx::ValueInfoProto& output, bool least) const;

  // The outputs among which the logits are looked for.
  std::vector<const onnx::ValueInfoProto*> candidates(const std::string& wanted) const;

  // The nodes that the output needs, in an order in which every input is there in time: the file's
  // own where possible.
  std::vector<int> order(const std::string& output) const;

  // The only input that those nodes read.
  const onnx::ValueInfoProto& input(const std::vector<int>& nodes, const std::string& output) const;

  Value compute(const std::string& output, const std::vector<int>& nodes,
                const onnx::ValueInfoProto& input, const Shape& input_shape, Builder& build) const;
  std::vector<Value> evaluate(const onnx::NodeProto& node, Builder& build,
                              const std::unordered_map<std::string, Value>& values) const;

  const onnx::GraphProto& graph_;
  TensorReader reader_;
  int64_t opset_ = 0;
  std::unordered_map<std::string, const onnx::TensorProto*> initialisers_;
  std::unordered_map<std::string, int> producers_;  // value name -> node
};

}  // namespace reluctance::onnx_import
