// How a window slides over a sequence, an image or a volume: convolution and pooling.
#pragma once

#include <array>
#include <vector>

#include "call.hpp"

namespace reluctance::onnx_import {

// Of depth, height and width. A sequence, C x W in the file, has depth and height 1, an image depth
// 1.
using Triple = std::array<int64_t, 3>;

struct Window {
  Shape input;       // C x D x H x W
  std::size_t axes;  // of these the last ones, as many as the file has
  Triple kernel, stride, dilation, before, after, output;
  bool ceil_mode;

  int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  int64_t extent(std::size_t axis) const { return input[axis + 1]; }
  bool symmetric() const { return before == after; }
  bool is_volume() const { return axes == 3; }

  // Of the input and of what is computed, for height and width.
  Shape image() const { return {input[0], input[2], input[3]}; }
};

// The numbers of height and width.
std::array<int64_t, 2> planar(const Triple& triple);

// One number for each of the file's axes, at least `least`; `rest` for the others.
Triple spatial(const Call& call, const std::vector<int64_t>& list, std::size_t axes, int64_t least,
               int64_t rest);

// The window of a node with strides, dilations and pads for such a kernel. Throws Error where it
// does not fit.
Window read_window(const Call& call, const std::vector<int64_t>& kernel);

// The shape in the file of what is computed: 1 x channels x ...
Shape output_shape(const Window& window, int64_t channels);

// The input x, 1 x C x (D x) H x W, with `fill` around it, so that windows fit without further
// padding; and the same as a layer of images takes it.
Value padded(Builder& build, const Value& x, const Window& window, double fill);
int padded_image(Builder& build, const Value& x, const Window& window, double fill);

}  // namespace reluctance::onnx_import
