// Constants, and the arithmetic on them that exporters leave in a graph.
#include <ATen/ATen.h>

#include <limits>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

std::vector<Value> constant(const Call& call) {
  if (call.has("value")) return {call.build.given(call.tensor("value"))};
  const std::vector<int64_t> integers = call.integers("value_ints");
  const std::vector<float> numbers = call.numbers("value_floats");
  Tensor value;
  if (call.has("value_float")) value = at::scalar_tensor(call.number("value_float", 0), at::kFloat);
  if (call.has("value_int")) value = at::scalar_tensor(call.integer("value_int", 0), at::kLong);
  if (call.has("value_floats")) value = at::tensor(numbers, at::kFloat);
  if (call.has("value_ints")) value = at::tensor(integers, at::kLong);
  call.require(value.defined(), "its value is of a kind that is not supported");
  return {call.build.given(value)};
}

std::vector<Value> filled(const Call& call) {
  const Shape shape = call.list(0);
  call.build.require_room(count(shape));
  const Tensor value = call.has("value") ? call.tensor("value") : at::zeros({1});
  call.require(value.numel() == 1, "its value must be one number");
  return {call.build.computed(value.reshape({}).expand(shape).contiguous())};
}

std::vector<Value> range(const Call& call) {
  const Tensor start = call.constant(0), limit = call.constant(1), delta = call.constant(2);
  call.require(start.numel() == 1 && limit.numel() == 1 && delta.numel() == 1,
               "takes three numbers");
  const double step = delta.item<double>();
  const double length = std::ceil((limit.item<double>() - start.item<double>()) / step);
  call.require(step != 0.0 && length < 1e9, "is too long");
  const auto entries = static_cast<int64_t>(std::max(length, 0.0));
  call.build.require_room(entries);
  const Tensor places = at::arange(entries, delta.scalar_type());
  return {call.build.computed(start.reshape({}) + places * delta.reshape({}))};
}

// Functions of constants alone. On activations they are not piecewise linear.
Tensor operand(const Call& call, std::size_t i) {
  if (!call.input(i).is_constant()) {
    throw NotPiecewiseLinear(with_article(call.type()) + " of an activation");
  }
  return call.constant(i);
}

template <Tensor (*function)(const Tensor&)>
std::vector<Value> of_one(const Call& call) {
  return {call.build.computed(function(operand(call, 0)))};
}

template <Tensor (*function)(const Tensor&, const Tensor&)>
std::vector<Value> of_two(const Call& call) {
  operand(call, 0), operand(call, 1);
  return {call.build.combined(call.input(0), call.input(1), function)};
}

Tensor modulo(const Tensor& a, const Tensor& b) {
  // The processor traps on these two.
  if (!b.is_floating_point() && (b.eq(0).any().item<bool>() || b.eq(-1).any().item<bool>())) {
    throw Error("divides by zero");
  }
  return at::remainder(a, b);
}

Tensor power(const Tensor& a, const Tensor& b) {
  return at::pow(a.to(at::kFloat), b).to(a.scalar_type());
}

// Weights that were stored as whole numbers: scale * (x - zero), one of each or one for each entry
// of an axis.
std::vector<Value> dequantized(const Call& call) {
  const Value& x = call.input(0);
  call.require(x.is_constant(),
               "takes weights alone; export activations in floating point, without quantisation");
  call.require(call.integer("block_size", 0) == 0,
               "scales blocks of an axis; export weights with one scale for the tensor or an axis");
  Shape along(x.shape.size(), 1);
  if (call.constant(1).numel() != 1) {
    const std::size_t axis = resolve_axis(call.integer("axis", 1), x.shape.size());
    along[axis] = x.shape[axis];
  }
  const auto lined_up = [&](std::size_t i) {
    const Tensor values = call.constant(i).to(at::kDouble);
    call.require(values.numel() == count(along), "its input " + std::to_string(i) + " has " +
                                                     std::to_string(values.numel()) +
                                                     " numbers for " + to_string(x.shape));
    return values.reshape(along);
  };
  call.build.require_room(6 * count(x.shape));
  Tensor values = x.constant.to(at::kDouble);
  if (call.has(2)) values = values - lined_up(2);
  return {call.build.computed((values * lined_up(1)).to(at::kFloat))};
}

}  // namespace

const OperatorTable constant_operators{
    {"And", of_two<at::logical_and>},
    {"Ceil", of_one<at::ceil>},
    {"Constant", constant},
    {"ConstantOfShape", filled},
    {"DequantizeLinear", dequantized},
    {"Equal", of_two<at::eq>},
    {"Exp", of_one<at::exp>},
    {"Floor", of_one<at::floor>},
    {"Log", of_one<at::log>},
    {"Mod", of_two<modulo>},
    {"Or", of_two<at::logical_or>},
    {"Pow", of_two<power>},
    {"Range", range},
    {"Reciprocal", of_one<at::reciprocal>},
    {"Round", of_one<at::round>},
    {"Sqrt", of_one<at::sqrt>},
};

}  // namespace reluctance::onnx_import
