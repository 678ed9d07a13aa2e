#include "windows.hpp"

#include <algorithm>

#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// Larger kernels, strides and pads are mistakes, and could overflow.
constexpr int64_t largest_window = 1 << 20;

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
  call.require(rest >= 0, "its window is larger than the input " + to_string(window.input));
  window.output[axis] = (rest + (window.ceil_mode ? stride - 1 : 0)) / stride + 1;
  // A window that sticks out must start inside the input.
  if (window.ceil_mode && (window.output[axis] - 1) * stride >= in + window.before[axis]) {
    --window.output[axis];
  }
}

}  // namespace

std::array<int64_t, 2> planar(const Triple& triple) { return {triple[1], triple[2]}; }

Triple spatial(const Call& call, const std::vector<int64_t>& list, std::size_t axes, int64_t least,
               int64_t rest) {
  call.require(list.size() == axes, "has a list of the wrong length");
  for (int64_t entry : list) {
    call.require(
        entry >= least && entry <= largest_window,
        "a kernel, stride, dilation or pad of " + std::to_string(entry) + " is not supported");
  }
  Triple triple{rest, rest, rest};
  std::copy(list.begin(), list.end(), triple.end() - static_cast<std::ptrdiff_t>(axes));
  return triple;
}

Window read_window(const Call& call, const std::vector<int64_t>& kernel) {
  const Shape& shape = call.activation(0).shape;
  call.require(shape.size() >= 3 && shape.size() <= 5 && shape[0] == 1,
               "takes batches of sequences, images or volumes, got " + to_string(shape));
  Window window{};
  window.axes = shape.size() - 2;
  window.input = Shape(4, 1);
  window.input[0] = shape[1];
  std::copy(shape.begin() + 2, shape.end(),
            window.input.end() - static_cast<std::ptrdiff_t>(window.axes));
  const std::vector<int64_t> ones(window.axes, 1);
  const auto sizes = [&](const std::vector<int64_t>& list) {
    return spatial(call, list, window.axes, 1, 1);
  };
  window.kernel = sizes(kernel);
  window.stride = sizes(call.integers("strides", ones));
  window.dilation = sizes(call.integers("dilations", ones));
  window.ceil_mode = call.integer("ceil_mode", 0) != 0;
  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  const std::vector<int64_t> pads = call.integers("pads");
  if ((auto_pad == "NOTSET" || auto_pad.empty()) && !pads.empty()) {
    const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
    window.before = spatial(call, {pads.begin(), middle}, window.axes, 0, 0);
    window.after = spatial(call, {middle, pads.end()}, window.axes, 0, 0);
  }
  for (std::size_t axis = 0; axis < 3; ++axis) place(call, window, axis, auto_pad);
  return window;
}

Shape output_shape(const Window& window, int64_t channels) {
  Shape shape{1, channels};
  shape.insert(shape.end(), window.output.end() - static_cast<std::ptrdiff_t>(window.axes),
               window.output.end());
  count(shape);
  return shape;
}

Value padded(Builder& build, const Value& x, const Window& window, double fill) {
  Shape shape{1, window.input[0]}, before{0, 0}, after{0, 0};
  for (std::size_t axis = window.is_volume() ? 0 : 1; axis < 3; ++axis) {
    const int64_t needed = (window.output[axis] - 1) * window.stride[axis] + window.reach(axis);
    shape.push_back(window.extent(axis));
    before.push_back(window.before[axis]);
    after.push_back(std::max<int64_t>(needed - window.before[axis] - window.extent(axis), 0));
  }
  return build.padded(build.reshaped(x, shape), before, after, fill);
}

int padded_image(Builder& build, const Value& x, const Window& window, double fill) {
  const Value image = padded(build, x, window, fill);
  return build.view(image, {image.shape.begin() + 1, image.shape.end()});
}

}  // namespace reluctance::onnx_import
