// Operators with a kink: ReLU and what can be written with it.
#include <ATen/ATen.h>

#include <limits>

#include "operators.hpp"

namespace reluctance::onnx_import {
namespace {

Value number(const Call& call, double value) {
  return call.build.computed(at::scalar_tensor(value, at::kFloat));
}

// Written so that `a` passes unchanged where it is chosen, however large the other is.
Value greater(const Call& call, const Value& a, const Value& b) {
  return call.build.plus(a, call.build.relu(call.build.minus(b, a)));
}

Value lesser(const Call& call, const Value& a, const Value& b) {
  return call.build.minus(a, call.build.relu(call.build.minus(a, b)));
}

// The maximum with 0 needs no more than a ReLU.
Value at_least(const Call& call, const Value& x, double bound) {
  if (bound == 0.0) return call.build.relu(x);
  return greater(call, x, number(call, bound));
}

Value clipped(const Call& call, Value x, double low, double high) {
  constexpr double unbounded = std::numeric_limits<float>::max();
  call.require(low <= high, "its bounds are in the wrong order");
  if (low > -unbounded) x = at_least(call, x, low);
  if (high < unbounded) x = lesser(call, x, number(call, high));
  return x;
}

std::vector<Value> relu(const Call& call) { return {call.build.relu(call.input(0))}; }

std::vector<Value> leaky_relu(const Call& call) {
  const Tensor slope = at::scalar_tensor(call.number("alpha", 0.01f), at::kFloat);
  return {call.build.rectified(call.input(0), slope)};
}

std::vector<Value> prelu(const Call& call) {
  const Value& x = call.input(0);
  Tensor slope = call.constant(1);
  if (call.opset < 7 && slope.dim() == 1 && x.shape.size() > 2) {  // one slope per channel
    Shape shape(x.shape.size() - 1, 1);
    shape[0] = slope.numel();
    slope = slope.reshape(shape);
  }
  return {call.build.rectified(x, slope)};
}

std::vector<Value> clip(const Call& call) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {clipped(call, call.input(0), call.number("min", 1, -infinity),
                  call.number("max", 2, infinity))};
}

std::vector<Value> hard_sigmoid(const Call& call) {
  const Value line = call.build.scaled(call.input(0), call.number("alpha", 0.2f));
  return {clipped(call, call.build.plus(line, number(call, call.number("beta", 0.5))), 0.0, 1.0)};
}

// 0 up to a threshold and x beyond: no gradient sees the jump of that height.
std::vector<Value> thresholded_relu(const Call& call) {
  call.require(call.number("alpha", 1.0) == 0.0,
               "jumps at its alpha, which no gradient sees; train the network with a ReLU in its "
               "place (alpha 0)");
  return {call.build.relu(call.input(0))};
}

// Towards zero by `bias`, and 0 between the thresholds. The soft form alone has no jump.
std::vector<Value> shrink(const Call& call) {
  const double threshold = call.number("lambd", 0.5);
  call.require(threshold >= 0.0 && call.number("bias", 0.0) == threshold,
               "jumps at its thresholds, which no gradient sees; train the network with its soft "
               "form (bias equal to lambd) in its place");
  const auto beyond = [&](const Value& x) {
    return call.build.relu(call.build.plus(x, number(call, -threshold)));
  };
  const Value& x = call.input(0);
  return {call.build.minus(beyond(x), beyond(call.build.scaled(x, -1)))};
}

// max(x, 0) is how some exporters write a ReLU.
std::vector<Value> maximum(const Call& call) {
  Value result = call.input(0);
  for (std::size_t i = 1; i < call.inputs(); ++i) {
    const Value& next = call.input(i);
    result = is_zero(next)     ? call.build.relu(call.build.broadcasted(result, next.shape))
             : is_zero(result) ? call.build.relu(call.build.broadcasted(next, result.shape))
                               : greater(call, result, next);
  }
  return {result};
}

std::vector<Value> minimum(const Call& call) {
  Value result = call.input(0);
  for (std::size_t i = 1; i < call.inputs(); ++i) result = lesser(call, result, call.input(i));
  return {result};
}

std::vector<Value> absolute(const Call& call) {
  return {call.build.rectified(call.input(0), at::scalar_tensor(-1.0, at::kFloat))};
}

}  // namespace

bool is_zero(const Value& value) {
  return value.is_constant() && value.constant.eq(0).all().item<bool>();
}

const OperatorTable gate_operators{
    {"Abs", absolute},
    {"Clip", clip},
    {"HardSigmoid", hard_sigmoid},
    {"LeakyRelu", leaky_relu},
    {"Max", maximum},
    {"Min", minimum},
    {"PRelu", prelu},
    {"Relu", relu},
    {"Shrink", shrink},
    {"ThresholdedRelu", thresholded_relu},
};

}  // namespace reluctance::onnx_import
