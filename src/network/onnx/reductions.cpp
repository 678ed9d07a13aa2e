// Operators that gather whole axes into one value.
#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

std::vector<std::size_t> reduced_axes(const Call& call) {
  const std::size_t rank = call.input(0).shape.size();
  const auto named = call.integers("axes", 1);
  std::vector<std::size_t> axes(call.integer("noop_with_empty_axes", 0) != 0 ? 0 : rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (named && !named->empty()) axes = resolve_axes(*named, rank);
  if (!axes.empty() && axes[0] == 0) call.build.require_no_batch(call.input(0));
  return axes;
}

bool keeps(const Call& call) { return call.integer("keepdims", 1) != 0; }

int64_t extents(const Shape& shape, const std::vector<std::size_t>& axes) {
  int64_t product = 1;
  for (std::size_t axis : axes) product *= shape[axis];
  return product;
}

std::vector<int64_t> as_list(const std::vector<std::size_t>& axes) {
  return {axes.begin(), axes.end()};
}

std::vector<Value> reduce_mean(const Call& call) {
  const Value& x = call.input(0);
  const auto axes = reduced_axes(call);
  if (x.is_constant()) {
    return {call.build.computed(
        axes.empty() ? x.constant : x.constant.to(at::kFloat).mean(as_list(axes), keeps(call)))};
  }
  return {call.build.mean(x, axes, keeps(call))};
}

std::vector<Value> reduce_sum(const Call& call) {
  const Value& x = call.input(0);
  const auto axes = reduced_axes(call);
  if (x.is_constant()) {
    return {call.build.computed(axes.empty() ? x.constant
                                             : x.constant.sum(as_list(axes), keeps(call)))};
  }
  return {call.build.sum(x, axes, keeps(call))};
}

// As in weights that are written as a length times a direction.
std::vector<Value> reduce_l2(const Call& call) {
  if (!call.input(0).is_constant()) throw NotPiecewiseLinear("a ReduceL2 of an activation");
  const auto axes = reduced_axes(call);
  const Tensor& x = call.constant(0);
  call.build.require_room(2 * x.numel());
  const Tensor squares = x.to(at::kDouble).square();
  const Tensor sum = axes.empty() ? squares : squares.sum(as_list(axes), keeps(call));
  return {call.build.computed(sum.sqrt().to(x.scalar_type()))};
}

std::vector<Value> reduce_product(const Call& call) {
  if (!call.input(0).is_constant()) throw NotPiecewiseLinear("a product of activations");
  Tensor product = call.constant(0);
  const auto axes = reduced_axes(call);
  for (std::size_t i = axes.size(); i-- > 0;) {
    product = product.prod(static_cast<int64_t>(axes[i]), keeps(call));
  }
  return {call.build.computed(product)};
}

// The maximum over any axes: these last, as max-pooling with one tall window.
Value maximum(const Call& call, const Value& x) {
  const auto axes = reduced_axes(call);
  const auto is_reduced = [&](std::size_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  std::vector<int64_t> order;
  Shape shape;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    if (!is_reduced(axis)) order.push_back(static_cast<int64_t>(axis));
    if (!is_reduced(axis)) shape.push_back(x.shape[axis]);
    if (is_reduced(axis) && keeps(call)) shape.push_back(1);
  }
  for (const std::size_t axis : axes) order.push_back(static_cast<int64_t>(axis));
  const int64_t values = extents(x.shape, axes);
  const Value sorted = call.build.transposed(x, order);
  PoolingOptions options;
  options.kernel = {values, 1};
  const int image = call.build.view(sorted, {count(x.shape) / values, values, 1});
  return call.build.added(max_pooling_layer(options), {image}, shape);
}

std::vector<Value> reduce_max(const Call& call) { return {maximum(call, call.activation(0))}; }

std::vector<Value> reduce_min(const Call& call) {
  return {call.build.scaled(maximum(call, call.build.scaled(call.activation(0), -1)), -1)};
}

// Sum of absolute values: |x| = relu(x) + relu(-x).
std::vector<Value> reduce_l1(const Call& call) {
  const Value& x = call.activation(0);
  const Value size = call.build.plus(call.build.relu(x), call.build.relu(call.build.scaled(x, -1)));
  return {call.build.sum(size, reduced_axes(call), keeps(call))};
}

std::vector<Value> global_average_pool(const Call& call) {
  const Value& x = call.input(0);
  call.require(x.shape.size() >= 3, "takes batches of images, got " + to_string(x.shape));
  std::vector<std::size_t> axes(x.shape.size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return {call.build.mean(x, axes, true)};
}

}  // namespace

const OperatorTable reduction_operators{
    {"GlobalAveragePool", global_average_pool},
    {"ReduceL1", reduce_l1},
    {"ReduceL2", reduce_l2},
    {"ReduceMax", reduce_max},
    {"ReduceMean", reduce_mean},
    {"ReduceMin", reduce_min},
    {"ReduceProd", reduce_product},
    {"ReduceSum", reduce_sum},
};

}  // namespace reluctance::onnx_import
