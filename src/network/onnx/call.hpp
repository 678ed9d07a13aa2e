// One node of the graph with its inputs evaluated: what a converter sees.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

#include "builder.hpp"
#include "tensors.hpp"

namespace reluctance::onnx_import {

class Call {
 public:
  // `inputs`: null for an optional input that is left out.
  Call(const onnx::NodeProto& node, std::vector<const Value*> inputs, int64_t version,
       const TensorReader& reader, Builder& builder)
      : build(builder), opset(version), node_(node), inputs_(std::move(inputs)), reader_(reader) {}

  Builder& build;
  const int64_t opset;

  const std::string& type() const { return node_.op_type(); }
  std::size_t outputs() const { return static_cast<std::size_t>(node_.output_size()); }

  // Inputs by position. All but has() throw Error if the input is left out.
  std::size_t inputs() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Value& input(std::size_t i) const;
  const Value& activation(std::size_t i) const;    // throws Error for a constant
  Tensor constant(std::size_t i) const;            // throws Error for an activation
  std::vector<int64_t> list(std::size_t i) const;  // a constant of integers

  // Attributes by name.
  bool has(const char* name) const { return find(name) != nullptr; }
  int64_t integer(const char* name, int64_t otherwise) const;
  double number(const char* name, double otherwise) const;
  std::string text(const char* name, const std::string& otherwise) const;
  std::vector<int64_t> integers(const char* name, const std::vector<int64_t>& otherwise = {}) const;
  std::vector<float> numbers(const char* name) const;
  Tensor tensor(const char* name) const;

  // What was an attribute in older opsets and is an input in newer ones; nothing if left out.
  std::optional<std::vector<int64_t>> integers(const char* name, std::size_t i) const;
  double number(const char* name, std::size_t i, double otherwise) const;

  void require(bool fits, const std::string& what) const;

 private:
  const onnx::AttributeProto* find(const char* name) const;

  const onnx::NodeProto& node_;
  std::vector<const Value*> inputs_;
  const TensorReader& reader_;
};

}  // namespace reluctance::onnx_import
