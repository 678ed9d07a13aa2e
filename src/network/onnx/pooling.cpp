// Pooling of sequences, images and volumes.
#include <ATen/ATen.h>

#include <limits>

#include "operators.hpp"
#include "shapes.hpp"
#include "windows.hpp"

namespace reluctance::onnx_import {
namespace {

PoolingOptions pooling_options(const Window& window) {
  PoolingOptions options;
  options.kernel = planar(window.kernel);
  options.stride = planar(window.stride);
  options.dilation = planar(window.dilation);
  return options;
}

// Whether a pooling layer can pad by itself: ATen allows half a kernel on both sides.
bool layer_pads(const Window& window) {
  return window.symmetric() && 2 * window.before[1] <= window.kernel[1] &&
         2 * window.before[2] <= window.kernel[2];
}

// The input of a pooling layer, padded with `fill` if the layer cannot pad by itself.
int pooled_image(Builder& build, const Value& x, const Window& window, double fill,
                 PoolingOptions& options) {
  if (!layer_pads(window)) return padded_image(build, x, window, fill);
  options.padding = planar(window.before);
  options.ceil_mode = window.ceil_mode;
  return build.view(x, window.image());
}

Value maxima(const Call& call, const Value& x, const Window& window) {
  PoolingOptions options = pooling_options(window);
  const Shape shape = output_shape(window, window.input[0]);
  const int image =
      pooled_image(call.build, x, window, -std::numeric_limits<double>::infinity(), options);
  return call.build.added(max_pooling_layer(options), {image}, shape);
}

// By what the mean over a whole kernel must be multiplied where a window holds fewer values.
Tensor share(const Call& call, const Window& window, std::size_t axis, bool count_pads) {
  const int64_t begin = count_pads ? 0 : window.before[axis];
  const int64_t end =
      window.before[axis] + window.extent(axis) + (count_pads ? window.after[axis] : 0);
  std::vector<float> factors;
  for (int64_t i = 0; i < window.output[axis]; ++i) {
    const int64_t start = i * window.stride[axis];
    const int64_t values = std::min(start + window.kernel[axis], end) - std::max(start, begin);
    call.require(values > 0, "has a window outside of its input");
    factors.push_back(static_cast<float>(window.kernel[axis]) / static_cast<float>(values));
  }
  return at::tensor(factors, at::kFloat);
}

Value means(const Call& call, const Value& x, const Window& window) {
  PoolingOptions options = pooling_options(window);
  options.count_include_pad = call.integer("count_include_pad", 0) != 0;
  const Shape shape = output_shape(window, window.input[0]);
  const int image = pooled_image(call.build, x, window, 0.0, options);
  const Value whole = call.build.added(average_pooling_layer(options), {image}, shape);
  if (layer_pads(window)) return whole;
  call.build.require_room(window.output[1] * window.output[2]);
  const Tensor columns = share(call, window, 2, options.count_include_pad);
  if (window.axes == 1) return call.build.times(whole, call.build.computed(columns));
  const Tensor rows = share(call, window, 1, options.count_include_pad).unsqueeze(1);
  return call.build.times(whole, call.build.computed(rows * columns));
}

// A window over a volume is one over each of its planes, and one along the depth over what that
// gives: so are maxima and means.
template <Value (*pool)(const Call&, const Value&, const Window&)>
Value pooled(const Call& call, const Window& window) {
  if (!window.is_volume()) return pool(call, call.input(0), window);
  const int64_t channels = window.input[0], depth = window.input[1];
  const int64_t pixels = window.output[1] * window.output[2];
  Window planes = window, line = window;
  planes.axes = line.axes = 2;
  planes.input = {channels * depth, 1, window.input[2], window.input[3]};
  line.input = {channels, 1, depth, pixels};
  for (const auto& [numbers, rest] : {std::pair(&Window::kernel, 1),
                                      {&Window::stride, 1},
                                      {&Window::dilation, 1},
                                      {&Window::before, 0},
                                      {&Window::after, 0},
                                      {&Window::output, 1}}) {
    (planes.*numbers)[0] = rest;
    line.*numbers = {rest, (window.*numbers)[0], rest};
  }
  line.output[2] = pixels;
  const Value images =
      call.build.reshaped(call.input(0), {1, planes.input[0], window.input[2], window.input[3]});
  const Value flat = pool(call, images, planes);
  const Value stacked = call.build.reshaped(flat, {1, channels, depth, pixels});
  return call.build.reshaped(pool(call, stacked, line), output_shape(window, channels));
}

std::vector<Value> max_pool(const Call& call) {
  return {pooled<maxima>(call, read_window(call, call.integers("kernel_shape")))};
}

std::vector<Value> average_pool(const Call& call) {
  const Window window = read_window(call, call.integers("kernel_shape"));
  call.require(window.dilation == Triple{1, 1, 1},
               "dilations are not supported; export a Conv in its place");
  return {pooled<means>(call, window)};
}

std::vector<Value> global_max_pool(const Call& call) {
  const Value& x = call.activation(0);
  call.require(x.shape.size() >= 3 && x.shape[0] == 1,
               "takes batches of images, got " + to_string(x.shape));
  const int64_t channels = x.shape[1];
  PoolingOptions options;
  options.kernel = {count(x.shape) / channels, 1};
  Shape shape(x.shape.size(), 1);
  shape[1] = channels;
  const int image = call.build.view(x, {channels, options.kernel[0], 1});
  return {call.build.added(max_pooling_layer(options), {image}, shape)};
}

}  // namespace

const OperatorTable pooling_operators{
    {"AveragePool", average_pool},
    {"GlobalMaxPool", global_max_pool},
    {"MaxPool", max_pool},
};

}  // namespace reluctance::onnx_import
