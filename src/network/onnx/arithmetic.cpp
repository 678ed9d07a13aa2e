// Sums and products of values.
#include <ATen/ATen.h>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// Before opset 7 the second operand was lined up with the axes of the first from `axis` on.
Value second(const Call& call) {
  const Value& a = call.input(0);
  const Value& b = call.input(1);
  if (call.opset >= 7 || !call.has("axis")) return b;
  const std::size_t axis = resolve_axis(call.integer("axis", 0), a.shape.size());
  Shape shape = b.shape;
  call.require(axis + shape.size() <= a.shape.size(), "its operands do not fit");
  shape.resize(a.shape.size() - axis, 1);
  return call.build.reshaped(b, shape);
}

std::vector<Value> add(const Call& call) { return {call.build.plus(call.input(0), second(call))}; }

std::vector<Value> subtract(const Call& call) {
  return {call.build.minus(call.input(0), second(call))};
}

std::vector<Value> multiply(const Call& call) {
  const Value& a = call.input(0);
  const Value b = second(call);
  if (!a.gate && !b.gate) return {call.build.times(a, b)};
  call.require(!a.gate || !b.gate, "multiplies comparisons; export the model without it");
  const Value zero = call.build.computed(at::zeros({}));
  return {a.gate ? chosen(call, a, b, zero) : chosen(call, b, a, zero)};
}

std::vector<Value> divide(const Call& call) {
  const Value& a = call.input(0);
  Value b = second(call);
  if (!b.is_constant()) throw NotPiecewiseLinear("a division by an activation");
  if (a.is_constant() && !a.constant.is_floating_point()) {
    // Integers are divided towards zero; the processor traps on these two.
    call.require(b.constant.ne(0).all().item<bool>() &&
                     a.constant.ne(std::numeric_limits<int64_t>::min()).all().item<bool>(),
                 "divides by zero");
    call.build.require_room(count(broadcast(a.shape, b.shape)));
    return {call.build.computed(at::div(a.constant, b.constant, "trunc"))};
  }
  b.constant = b.constant.to(at::kFloat).reciprocal();
  return {call.build.times(a, b)};
}

std::vector<Value> sum(const Call& call) {
  Value total = call.input(0);
  for (std::size_t i = 1; i < call.inputs(); ++i) total = call.build.plus(total, call.input(i));
  return {total};
}

std::vector<Value> mean(const Call& call) {
  return {call.build.scaled(sum(call)[0], 1.0 / static_cast<double>(call.inputs()))};
}

std::vector<Value> negate(const Call& call) { return {call.build.scaled(call.input(0), -1)}; }

}  // namespace

const OperatorTable arithmetic_operators{
    {"Add", add},    {"Div", divide},   {"Mean", mean}, {"Mul", multiply},
    {"Neg", negate}, {"Sub", subtract}, {"Sum", sum},
};

}  // namespace reluctance::onnx_import
