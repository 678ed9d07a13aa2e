// Operators that slide a window over an image or a sequence: convolution and pooling.
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <limits>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

using Pair = std::array<int64_t, 2>;

// Larger kernels, strides and pads are mistakes, and could overflow.
constexpr int64_t largest_window = 1 << 20;

// How a window slides over C x H x W. A sequence, C x W in the file, has height 1.
struct Window {
  Shape image;  // input, C x H x W
  Pair kernel, stride, dilation, before, after, output;
  bool ceil_mode;
  bool sequence;

  int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  int64_t extent(std::size_t axis) const { return image[axis + 1]; }
  bool symmetric() const { return before == after; }
};

// One or two numbers as height and width.
Pair planar(const Call& call, const std::vector<int64_t>& list, bool sequence, int64_t least,
            int64_t height = 1) {
  call.require(list.size() == (sequence ? 1U : 2U), "has a list of the wrong length");
  for (int64_t entry : list) {
    call.require(
        entry >= least && entry <= largest_window,
        "a kernel, stride, dilation or pad of " + std::to_string(entry) + " is not supported");
  }
  return {sequence ? height : list[0], list.back()};
}

// Sets pads and output for one axis.
void place(const Call& call, Window& window, std::size_t axis, const std::string& auto_pad) {
  const int64_t in = window.extent(axis);
  const int64_t reach = window.reach(axis);
  const int64_t stride = window.stride[axis];
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    window.output[axis] = (in + stride - 1) / stride;
    const int64_t pads = std::max<int64_t>((window.output[axis] - 1) * stride + reach - in, 0);
    window.before[axis] = (pads + (auto_pad == "SAME_LOWER")) / 2;
    window.after[axis] = pads - window.before[axis];
    return;
  }
  const int64_t rest = in + window.before[axis] + window.after[axis] - reach;
  call.require(rest >= 0, "its window is larger than the input " + to_string(window.image));
  window.output[axis] = (rest + (window.ceil_mode ? stride - 1 : 0)) / stride + 1;
  // A window that sticks out must start inside the input.
  if (window.ceil_mode && (window.output[axis] - 1) * stride >= in + window.before[axis]) {
    --window.output[axis];
  }
}

Window read_window(const Call& call, const std::vector<int64_t>& kernel) {
  const Shape& shape = call.activation(0).shape;
  call.require((shape.size() == 3 || shape.size() == 4) && shape[0] == 1,
               "takes batches of images or sequences, got " + to_string(shape));
  Window window{};
  window.sequence = shape.size() == 3;
  window.image =
      window.sequence ? Shape{shape[1], 1, shape[2]} : Shape{shape[1], shape[2], shape[3]};
  const std::vector<int64_t> ones(shape.size() - 2, 1);
  const auto pair = [&](const char* name) {
    return planar(call, call.integers(name, ones), window.sequence, 1);
  };
  window.kernel = planar(call, kernel, window.sequence, 1);
  window.stride = pair("strides");
  window.dilation = pair("dilations");
  window.ceil_mode = call.integer("ceil_mode", 0) != 0;
  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  const std::vector<int64_t> pads = call.integers("pads");
  if ((auto_pad == "NOTSET" || auto_pad.empty()) && !pads.empty()) {
    const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
    window.before = planar(call, {pads.begin(), middle}, window.sequence, 0, 0);
    window.after = planar(call, {middle, pads.end()}, window.sequence, 0, 0);
  }
  for (std::size_t axis = 0; axis < 2; ++axis) place(call, window, axis, auto_pad);
  return window;
}

// The input as C x H x W, padded with `fill` so that windows fit without further padding.
int padded(const Call& call, const Window& window, double fill) {
  const int image = call.build.view(call.input(0), window.image);
  Shape before{0}, after{0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const int64_t needed = (window.output[axis] - 1) * window.stride[axis] + window.reach(axis);
    before.push_back(window.before[axis]);
    after.push_back(std::max<int64_t>(needed - window.before[axis] - window.extent(axis), 0));
  }
  if (before == Shape{0, 0, 0} && after == before) return image;
  Shape shape = window.image;
  for (std::size_t i = 0; i < shape.size(); ++i) shape[i] += before[i] + after[i];
  count(shape);
  return call.build.added(pad_layer(before, after, fill), {image}, {}).node;
}

Shape output_shape(const Window& window, int64_t channels) {
  const Shape shape = window.sequence ? Shape{1, channels, window.output[1]}
                                      : Shape{1, channels, window.output[0], window.output[1]};
  count(shape);
  return shape;
}

std::vector<Value> convolution(const Call& call) {
  Tensor weight = call.constant(1).to(at::kFloat);
  const auto rank = static_cast<int64_t>(call.input(0).shape.size());
  call.require(weight.dim() == rank, "its weight does not fit " + to_string(call.input(0).shape));
  const std::vector<int64_t> kernel(weight.sizes().begin() + 2, weight.sizes().end());
  call.require(call.integers("kernel_shape", kernel) == kernel,
               "its weight is not of its kernel_shape");
  const Window window = read_window(call, kernel);
  if (window.sequence) weight = weight.unsqueeze(2);
  Tensors tensors{weight};
  if (call.has(2)) tensors.push_back(call.constant(2).to(at::kFloat));
  ConvolutionOptions options;
  options.stride = window.stride;
  options.dilation = window.dilation;
  options.groups = call.integer("group", 1);
  if (window.symmetric()) options.padding = window.before;
  const int image =
      window.symmetric() ? call.build.view(call.input(0), window.image) : padded(call, window, 0.0);
  return {call.build.added(convolution_layer(options), {image},
                           output_shape(window, weight.size(0)), std::move(tensors))};
}

PoolingOptions pooling_options(const Window& window) {
  PoolingOptions options;
  options.kernel = window.kernel;
  options.stride = window.stride;
  options.dilation = window.dilation;
  return options;
}

// Whether a pooling layer can pad by itself: ATen allows half a kernel on both sides.
bool layer_pads(const Window& window) {
  return window.symmetric() && 2 * window.before[0] <= window.kernel[0] &&
         2 * window.before[1] <= window.kernel[1];
}

// The input of a pooling layer, padded with `fill` if the layer cannot pad by itself.
int pooled_image(const Call& call, const Window& window, double fill, PoolingOptions& options) {
  if (!layer_pads(window)) return padded(call, window, fill);
  options.padding = window.before;
  options.ceil_mode = window.ceil_mode;
  return call.build.view(call.input(0), window.image);
}

std::vector<Value> max_pool(const Call& call) {
  const Window window = read_window(call, call.integers("kernel_shape"));
  PoolingOptions options = pooling_options(window);
  const Shape shape = output_shape(window, window.image[0]);
  const int image = pooled_image(call, window, -std::numeric_limits<double>::infinity(), options);
  return {call.build.added(max_pooling_layer(options), {image}, shape)};
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

std::vector<Value> average_pool(const Call& call) {
  const Window window = read_window(call, call.integers("kernel_shape"));
  call.require(window.dilation == Pair{1, 1}, "dilations are not supported");
  PoolingOptions options = pooling_options(window);
  options.count_include_pad = call.integer("count_include_pad", 0) != 0;
  const Shape shape = output_shape(window, window.image[0]);
  const int image = pooled_image(call, window, 0.0, options);
  const Value means = call.build.added(average_pooling_layer(options), {image}, shape);
  if (layer_pads(window)) return {means};
  call.build.require_room(window.output[0] * window.output[1]);
  const Tensor factors = share(call, window, 0, options.count_include_pad).unsqueeze(1) *
                         share(call, window, 1, options.count_include_pad);
  return {call.build.times(means, call.build.computed(factors))};
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

const OperatorTable window_operators{
    {"AveragePool", average_pool},
    {"Conv", convolution},
    {"GlobalMaxPool", global_max_pool},
    {"MaxPool", max_pool},
};

}  // namespace reluctance::onnx_import
