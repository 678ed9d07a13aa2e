// Comparisons, and choices by them: how some exporters write a ReLU.
#include <ATen/ATen.h>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// Whether a is greater than b: of activations, the gate that their difference opens. On which side
// the kink itself lies does not matter, because what the gate chooses between meets there.
Value above(const Call& call, const Value& a, const Value& b) {
  Value gate = is_zero(b) ? call.build.broadcasted(a, b.shape) : call.build.minus(a, b);
  gate.gate = true;
  return gate;
}

template <Tensor (*compare)(const Tensor&, const Tensor&), bool upwards>
std::vector<Value> comparison(const Call& call) {
  const Value& a = call.input(0);
  const Value& b = call.input(1);
  if (a.is_constant() && b.is_constant()) return {call.build.combined(a, b, compare)};
  return {upwards ? above(call, a, b) : above(call, b, a)};
}

std::vector<Value> negation(const Call& call) {
  const Value& x = call.input(0);
  if (x.is_constant()) return {call.build.computed(x.constant.logical_not())};
  if (!x.gate) throw NotPiecewiseLinear("a Not of an activation");
  Value gate = call.build.scaled(x, -1);
  gate.gate = true;
  return {gate};
}

bool everywhere(const Tensor& condition) { return condition.all().item<bool>(); }

// A branch of a choice as slope * g + offset in the number g that its gate looks at.
struct Branch {
  Tensor slope, offset;
};

Branch in_terms_of(const Call& call, const Builder::Line& gate, const Value& x,
                   const Shape& shape) {
  const Shape& sample = gate.x.shape;
  if (x.is_constant()) {
    if (x.constant.numel() == 1)
      return {at::zeros({}, at::kDouble), x.constant.reshape({}).to(at::kDouble)};
    call.build.require_room(2 * count(shape));
    return {at::zeros({}, at::kDouble), x.constant.expand(shape).reshape(sample).to(at::kDouble)};
  }
  const Builder::Line line = call.build.line(x);
  if (line.x.node != gate.x.node || x.shape != shape) {
    throw NotPiecewiseLinear("a choice between values that its condition does not compare");
  }
  const Tensor slope = line.slope / gate.slope;
  return {slope, line.offset - slope * gate.offset};
}

// `open` times x where x is positive, `closed` times x elsewhere.
Value bent(Builder& build, const Value& x, const Tensor& open, const Tensor& closed) {
  if (everywhere(open.eq(1))) return build.rectified(x, closed.to(at::kFloat));
  const Value negative = build.relu(build.scaled(x, -1));
  const Value y = build.times(negative, build.computed(-closed.to(at::kFloat)));
  if (everywhere(open.eq(0))) return y;
  return build.plus(build.times(build.relu(x), build.computed(open.to(at::kFloat))), y);
}

}  // namespace

Value chosen(const Call& call, const Value& gate, const Value& a, const Value& b) {
  const Shape& shape = gate.shape;
  const Shape wide = broadcast(shape, broadcast(a.shape, b.shape));
  call.require(wide == shape, "its condition " + to_string(shape) +
                                  " is broadcast; export the model with one of " + to_string(wide));
  const Builder::Line line = call.build.line(gate);
  const Branch open = in_terms_of(call, line, a, shape), closed = in_terms_of(call, line, b, shape);
  for (const Branch& branch : {open, closed}) {
    call.build.read(branch.slope.numel() + branch.offset.numel());
  }
  // In float32 the branches meet up to the rounding of the constants that they were written with.
  constexpr double rounding = 1e-6;
  const Tensor step = (open.offset - closed.offset).abs();
  const Tensor most = rounding * at::maximum(open.offset.abs(), closed.offset.abs());
  call.require(everywhere(step.le(most)) && everywhere(open.slope.isfinite()) &&
                   everywhere(closed.slope.isfinite()),
               "jumps where its condition switches, which no gradient sees; train the network with "
               "a ReLU in its place");
  Value x = gate;
  x.gate = false;
  x.shape = line.x.shape;
  Value y = bent(call.build, x, open.slope, closed.slope);
  if (open.offset.ne(0).any().item<bool>()) {
    y = call.build.plus(y, call.build.computed(open.offset.to(at::kFloat)));
  }
  return call.build.reshaped(y, shape);
}

namespace {

std::vector<Value> where(const Call& call) {
  const Value& condition = call.input(0);
  const Value& a = call.input(1);
  const Value& b = call.input(2);
  call.require(!a.gate && !b.gate, "chooses between comparisons; export the model without it");
  if (condition.gate) return {chosen(call, condition, a, b)};
  if (!condition.is_constant()) throw NotPiecewiseLinear("a choice by an activation");
  const Tensor is_a = condition.constant.ne(0);
  if (a.is_constant() && b.is_constant()) {
    call.build.require_room(count(broadcast(condition.shape, broadcast(a.shape, b.shape))));
    return {call.build.computed(at::where(is_a, a.constant, b.constant))};
  }
  const Value of_a = call.build.computed(is_a.to(at::kFloat));
  const Value of_b = call.build.computed(is_a.logical_not().to(at::kFloat));
  return {call.build.plus(call.build.times(a, of_a), call.build.times(b, of_b))};
}

}  // namespace

const OperatorTable comparison_operators{
    {"Greater", comparison<at::gt, true>},
    {"GreaterOrEqual", comparison<at::ge, true>},
    {"Less", comparison<at::lt, false>},
    {"LessOrEqual", comparison<at::le, false>},
    {"Not", negation},
    {"Where", where},
};

}  // namespace reluctance::onnx_import
