// What classifiers do with their logits at the end.
#include <algorithm>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// The logits in place of what the operator makes of them; it is remembered for the reader.
Value without(const Call& call, Value logits) {
  logits.dropped.push_back(call.type());
  return logits;
}

// Softmax over all values of the sample.
std::vector<Value> softmax(const Call& call) {
  const Value& x = call.input(0);
  const std::size_t rank = x.shape.size();
  const bool from_axis_on = call.opset < 13;  // older ones run over all axes from this one on
  const std::size_t axis = resolve_axis(call.integer("axis", from_axis_on ? 1 : -1), rank);
  const auto first = x.shape.begin() + static_cast<std::ptrdiff_t>(axis);
  const int64_t over = from_axis_on ? count({first, x.shape.end()}) : *first;
  if (over != count(x.shape)) throw NotPiecewiseLinear("a " + call.type() + " inside the network");
  return {without(call, x)};
}

// Grows with its input: where it is greatest, so is the logit.
std::vector<Value> sigmoid(const Call& call) { return {without(call, call.activation(0))}; }

// The place of the greatest value of the sample or, as the greatest of the negated, of the least.
std::vector<Value> label(const Call& call) {
  const Value& x = call.activation(0);
  const int64_t classes =
      x.shape.empty() ? 1 : x.shape[resolve_axis(call.integer("axis", 0), x.shape.size())];
  call.require(classes == count(x.shape),
               "gives a label for each row of " + to_string(x.shape) +
                   "; Reluctance takes one label for a sample, so export the model without it");
  call.require(classes > 1, "chooses among one number; export the model without it");
  Value logits = call.type() == "ArgMin" ? call.build.scaled(x, -1) : x;
  logits.dropped = x.dropped;
  return {without(call, logits)};
}

std::vector<Value> labels(const Call& call) {
  call.require(false, "gives labels; Reluctance needs logits, so export the model without it");
  return {};
}

std::vector<Value> zip_map(const Call& call) { return {call.input(0)}; }

}  // namespace

const OperatorTable output_operators{
    {"ArgMax", label},    {"ArgMin", label}, {"LogSoftmax", softmax}, {"Sigmoid", sigmoid},
    {"Softmax", softmax}, {"TopK", labels},  {"ZipMap", zip_map},
};

}  // namespace reluctance::onnx_import
