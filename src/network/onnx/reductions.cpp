// Operators that gather whole axes into one value.
#include <ATen/ATen.h>

#include <numeric>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

std::vector<std::size_t> reduced_axes(const Call& call) {
  const std::size_t rank = call.input(0).shape.size();
  const auto named = call.integers("axes", 1);
  if (named && !named->empty()) return resolve_axes(*named, rank);
  std::vector<std::size_t> all(call.integer("noop_with_empty_axes", 0) != 0 ? 0 : rank);
  std::iota(all.begin(), all.end(), 0);
  return all;
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
  return {call.build.scaled(call.build.mean(x, axes, keeps(call)),
                            static_cast<double>(extents(x.shape, axes)))};
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

// The maximum over the last axes as max-pooling with one tall window.
std::vector<Value> reduce_max(const Call& call) {
  const Value& x = call.input(0);
  const auto axes = reduced_axes(call);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    call.require(axes[i] == x.shape.size() - axes.size() + i,
                 "is supported over the last axes only");
  }
  const int64_t values = extents(x.shape, axes);
  PoolingOptions options;
  options.kernel = {values, 1};
  Shape shape = x.shape;
  for (std::size_t axis : axes) shape[axis] = 1;
  if (!keeps(call)) shape.resize(shape.size() - axes.size());
  const int image = call.build.view(x, {count(x.shape) / values, values, 1});
  return {call.build.added(max_pooling_layer(options), {image}, shape)};
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
    {"ReduceMax", reduce_max},
    {"ReduceMean", reduce_mean},
    {"ReduceProd", reduce_product},
    {"ReduceSum", reduce_sum},
};

}  // namespace reluctance::onnx_import
