// Products with a constant matrix, and batch normalisation.
#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {

Value matrix_times(const Call& call, Tensor weight, const Value& x) {
  Shape shape = x.shape;
  const std::size_t row_axis = shape.size() < 2 ? 0 : shape.size() - 2;
  const bool vector = weight.dim() == 1;
  if (vector) weight = weight.unsqueeze(0);
  const int64_t out = weight.size(-2);
  const int64_t in = weight.size(-1);
  const int64_t columns = shape.size() < 2 ? 1 : shape.back();
  const int64_t matrices = weight.numel() / std::max<int64_t>(out * in, 1);
  call.require(!shape.empty() && shape[row_axis] == in && count(shape) == matrices * in * columns,
               "a weight of " + to_string(Shape(weight.sizes().begin(), weight.sizes().end())) +
                   " does not fit " + to_string(x.shape));
  shape[row_axis] = out;
  if (vector) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(row_axis));
  if (matrices * columns == 1) {
    return call.build.added(linear_layer(), {call.build.view(x, {in})}, shape,
                            {weight.reshape({out, in})});
  }
  ConvolutionOptions options;
  options.groups = matrices;
  const int image = call.build.view(x, {matrices * in, columns, 1});
  return call.build.added(convolution_layer(options), {image}, shape,
                          {weight.reshape({matrices * out, in, 1, 1})});
}

namespace {

Value with_last_axes_swapped(const Call& call, const Value& x) {
  std::vector<int64_t> permutation(x.shape.size());
  std::iota(permutation.begin(), permutation.end(), 0);
  std::iter_swap(permutation.end() - 1, permutation.end() - 2);
  return call.build.transposed(x, permutation);
}

// x W with W: in x out, for any number of rows, as (W^T x^T)^T.
Value times_matrix(const Call& call, const Value& x, Tensor weight) {
  const bool vector = weight.dim() == 1;
  if (vector) weight = weight.unsqueeze(1);
  const int64_t in = weight.size(-2);
  const int64_t out = weight.size(-1);
  call.require(!x.shape.empty() && x.shape.back() == in,
               "a weight with " + std::to_string(in) + " rows does not fit " + to_string(x.shape));
  Shape shape = x.shape;
  shape.pop_back();
  if (!vector) shape.push_back(out);
  Value rows = x.shape.size() > 1 ? x : call.build.reshaped(x, {1, in});
  if (x.shape.size() == 1 && weight.dim() > 2) {  // the same row for a stack of matrices
    Shape stack(weight.sizes().begin(), weight.sizes().end() - 2);
    shape = stack;
    shape.push_back(out);
    stack.insert(stack.end(), {1, in});
    rows = call.build.broadcasted(rows, stack);
  }
  if (weight.numel() == in * out) {  // one matrix for all rows, on whichever axes they lie
    weight = weight.reshape({in, out});
    rows = call.build.reshaped(x, {count(x.shape) / in, in});
  }
  const Value columns =
      matrix_times(call, weight.transpose(-1, -2), with_last_axes_swapped(call, rows));
  return call.build.reshaped(with_last_axes_swapped(call, columns), shape);
}

Value product(const Call& call, const Value& a, const Value& b) {
  call.require(!a.shape.empty() && !b.shape.empty(), "takes matrices or vectors");
  if (a.is_constant() && b.is_constant()) {
    const int64_t inner = std::max<int64_t>(a.shape.back(), 1);
    const int64_t most = a.constant.numel() / inner * (b.constant.numel() / inner);
    call.build.require_room(most);
    call.require(most < most_elements / inner, "multiplies constants that are too large");
    call.build.read(most * inner);
    return call.build.computed(at::matmul(a.constant, b.constant));
  }
  if (b.is_constant()) return times_matrix(call, a, b.constant.to(at::kFloat));
  if (a.is_constant()) return matrix_times(call, a.constant.to(at::kFloat), b);
  throw NotPiecewiseLinear("a product of two activations");
}

std::vector<Value> matmul(const Call& call) {
  return {product(call, call.input(0), call.input(1))};
}

std::vector<Value> gemm(const Call& call) {
  const auto operand = [&](std::size_t i, const char* transpose) {
    const Value& value = call.input(i);
    call.require(value.shape.size() == 2, "takes matrices, got " + to_string(value.shape));
    return call.integer(transpose, 0) != 0 ? call.build.transposed(value, {1, 0}) : value;
  };
  Value a = operand(0, "transA");
  Value b = operand(1, "transB");
  const double alpha = call.number("alpha", 1.0);
  if (alpha != 1.0) (b.is_constant() ? b : a) = call.build.scaled(b.is_constant() ? b : a, alpha);
  const Value y = product(call, a, b);
  const double beta = call.number("beta", 1.0);
  if (!call.has(2) || beta == 0.0) return {y};
  const Value& c = call.input(2);
  return {call.build.plus(y, beta == 1.0 ? c : call.build.scaled(c, beta))};
}

std::vector<Value> batch_normalization(const Call& call) {
  const Value& x = call.input(0);
  call.require(call.integer("training_mode", 0) == 0,
               "is in training mode; export the model for inference");
  call.require(call.outputs() == 1,
               "has the outputs of its training form; export the model for inference");
  call.require(call.integer("spatial", 1) != 0,
               "has spatial=0; export the model with opset 9 or later");
  call.require(x.shape.size() >= 2, "takes a batch axis and channels, got " + to_string(x.shape));
  // In float64, two statistics and what is made of them take the room of eight.
  call.build.require_room(8 * x.shape[1]);
  Tensors constants;  // scale, bias, mean, variance
  for (std::size_t i = 1; i <= 4; ++i) {
    constants.push_back(call.constant(i).flatten());
    call.require(constants.back().numel() == x.shape[1],
                 "its statistics do not fit " + to_string(x.shape));
  }
  const Tensor mean = constants[2].to(at::kDouble), variance = constants[3].to(at::kDouble);
  const Tensor scale = (variance + call.number("epsilon", 1e-5f)).rsqrt();
  return {call.build.normalised(x, {scale, -mean * scale, constants[0], constants[1]})};
}

}  // namespace

const OperatorTable linear_operators{
    {"BatchNormalization", batch_normalization},
    {"Gemm", gemm},
    {"MatMul", matmul},
};

}  // namespace reluctance::onnx_import
