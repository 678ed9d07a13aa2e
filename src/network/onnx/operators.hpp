// From the name of an ONNX operator to the function that converts it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call.hpp"

namespace reluctance::onnx_import {

// The values of a node's outputs. Fewer than it has: nobody may read the others.
using Converter = std::vector<Value> (*)(const Call& call);

using OperatorTable = std::vector<std::pair<std::string_view, Converter>>;

extern const OperatorTable arithmetic_operators;
extern const OperatorTable comparison_operators;
extern const OperatorTable constant_operators;
extern const OperatorTable convolution_operators;
extern const OperatorTable einsum_operators;
extern const OperatorTable gate_operators;
extern const OperatorTable layout_operators;
extern const OperatorTable linear_operators;
extern const OperatorTable output_operators;
extern const OperatorTable pooling_operators;
extern const OperatorTable reduction_operators;
extern const OperatorTable resize_operators;
extern const OperatorTable selection_operators;

// All of them.
std::vector<const OperatorTable*> operator_tables();

// Throws Error for an operator that no table has.
Converter find_converter(const onnx::NodeProto& node, int64_t opset);

// "an Erf", "a Tanh".
std::string with_article(const std::string& type);

// Whether it is a constant of zeros.
bool is_zero(const Value& value);

// a where the gate is open, b elsewhere: where both are elementwise lines in the number that opens
// the gate, and meet where it switches. Throws Error for others, which jump.
Value chosen(const Call& call, const Value& gate, const Value& a, const Value& b);

// W x with W: out x in for a column x or several, or a stack of such products. One matrix for many
// columns is a convolution with kernel 1, and a stack of matrices its groups.
Value matrix_times(const Call& call, Tensor weight, const Value& x);

// Whether the operator gives every value of its input unchanged, under another name or shape.
bool only_renames(const std::string& type);

}  // namespace reluctance::onnx_import
