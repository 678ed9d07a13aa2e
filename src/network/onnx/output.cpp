// What classifiers do with their logits at the end.
#include <algorithm>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// Softmax over all values of the sample: dropped, and remembered for the reader.
std::vector<Value> softmax(const Call& call) {
  Value x = call.input(0);
  const std::size_t rank = x.shape.size();
  const bool from_axis_on = call.opset < 13;  // older ones run over all axes from this one on
  const std::size_t axis = resolve_axis(call.integer("axis", from_axis_on ? 1 : -1), rank);
  const auto first = x.shape.begin() + static_cast<std::ptrdiff_t>(axis);
  const int64_t over = from_axis_on ? count({first, x.shape.end()}) : *first;
  if (over != count(x.shape)) throw NotPiecewiseLinear("a " + call.type() + " inside the network");
  x.probabilities = true;
  return {x};
}

std::vector<Value> label(const Call& call) {
  call.require(false, "gives a label; Reluctance needs logits, so export the model without it");
  return {};
}

std::vector<Value> zip_map(const Call& call) { return {call.input(0)}; }

}  // namespace

const OperatorTable output_operators{
    {"ArgMax", label},    {"ArgMin", label}, {"LogSoftmax", softmax},
    {"Softmax", softmax}, {"TopK", label},   {"ZipMap", zip_map},
};

}  // namespace reluctance::onnx_import
