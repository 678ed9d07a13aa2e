// Convolution of sequences, images and volumes, and the transposed one.
#include <ATen/ATen.h>

#include <algorithm>

#include "operators.hpp"
#include "shapes.hpp"
#include "windows.hpp"

namespace reluctance::onnx_import {
namespace {

// A weight as that of images, out x in x height x width: what a volume's kernel has of depth counts
// among the channels.
Tensor planar_weight(const Tensor& weight, const Window& window) {
  return weight.reshape(
      {weight.size(0), weight.size(1) * window.kernel[0], window.kernel[1], window.kernel[2]});
}

// A volume as an image: what the kernel sees of depth at each place lies in the channels, and what
// it sees at one place of depth below what it sees at the one before. The rows where it would see
// two places at once are left out of what is computed.
Value convolved_volume(const Call& call, const Window& window, const ConvolutionOptions& options,
                       const Tensors& tensors) {
  Builder& build = call.build;
  Value x = padded(build, call.input(0), window, 0.0);
  const auto& [depth_stride, row_stride, column_stride] = window.stride;
  // Rows of one place, up to a whole number of strides.
  const int64_t more = (row_stride - x.shape[3] % row_stride) % row_stride;
  x = build.padded(x, Shape(5, 0), {0, 0, 0, more, 0}, 0.0);
  const int64_t places = window.output[0], rows = x.shape[3], columns = x.shape[4];
  build.require_room(window.kernel[0] * places);
  std::vector<int64_t> slices;
  for (int64_t k = 0; k < window.kernel[0]; ++k) {
    for (int64_t o = 0; o < places; ++o)
      slices.push_back(o * depth_stride + k * window.dilation[0]);
  }
  const Value seen = build.selected(x, 2, slices);
  const Shape image{window.input[0] * window.kernel[0], places * rows, columns};
  count(image);
  const int64_t computed = (places * rows - window.reach(1)) / row_stride + 1;
  const int64_t channels = tensors[0].size(0);
  const Value y = build.added(convolution_layer(options), {build.view(seen, image)},
                              {1, channels, computed, window.output[2]}, tensors);
  build.require_room(places * window.output[1]);
  std::vector<int64_t> whole;
  for (int64_t o = 0; o < places; ++o) {
    for (int64_t i = 0; i < window.output[1]; ++i) whole.push_back(o * (rows / row_stride) + i);
  }
  return build.reshaped(build.selected(y, 2, whole), output_shape(window, channels));
}

// The extents of the kernel, which the node may repeat. weight: outputs x inputs x extents.
std::vector<int64_t> kernel_of(const Call& call, const Tensor& weight) {
  const std::vector<int64_t> kernel(weight.sizes().begin() + 2, weight.sizes().end());
  call.require(call.integers("kernel_shape", kernel) == kernel,
               "its weight is not of its kernel_shape");
  return kernel;
}

std::vector<Value> convolution(const Call& call) {
  const Tensor weight = call.constant(1).to(at::kFloat);
  const auto rank = static_cast<int64_t>(call.input(0).shape.size());
  call.require(weight.dim() == rank, "its weight does not fit " + to_string(call.input(0).shape));
  const Window window = read_window(call, kernel_of(call, weight));
  Tensors tensors{planar_weight(weight, window)};
  if (call.has(2)) tensors.push_back(call.constant(2).to(at::kFloat));
  ConvolutionOptions options;
  options.stride = planar(window.stride);
  options.dilation = planar(window.dilation);
  options.groups = call.integer("group", 1);
  if (window.is_volume()) return {convolved_volume(call, window, options, tensors)};
  if (window.symmetric()) options.padding = planar(window.before);
  const int image = window.symmetric() ? call.build.view(call.input(0), window.image())
                                       : padded_image(call.build, call.input(0), window, 0.0);
  return {call.build.added(convolution_layer(options), {image},
                           output_shape(window, weight.size(0)), std::move(tensors))};
}

// The weight of a transposed convolution, in x out/groups x height x width, as that of a plain one
// on the stretched image: turned round, and with outputs first.
Tensor turned(const Tensor& weight, int64_t groups) {
  const int64_t in = weight.size(0) / groups;
  Shape split{groups, in};
  split.insert(split.end(), weight.sizes().begin() + 1, weight.sizes().end());
  const Tensor outputs_first = weight.reshape(split).transpose(1, 2);
  return outputs_first.reshape({groups * weight.size(1), in, weight.size(2), weight.size(3)})
      .flip({2, 3});
}

// The zeros around the image once zeros are between its pixels: what a plain convolution needs to
// compute what the transposed one does. Those after the last pixel count, too.
struct Surroundings {
  int64_t before, after;
};

struct Stretch {
  Triple kernel, stride, dilation, more;  // more: output_padding
};

Surroundings surroundings(const Call& call, const Stretch& stretch, std::size_t axis,
                          std::size_t axes, int64_t extent) {
  const std::size_t place = axis - (3 - axes);  // among the axes of the file
  const int64_t stride = stretch.stride[axis], more = stretch.more[axis];
  const int64_t reach = stretch.dilation[axis] * (stretch.kernel[axis] - 1) + 1;
  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const std::vector<int64_t> wanted = call.integers("output_shape");
  const std::vector<int64_t> pads = call.integers("pads", std::vector<int64_t>(2 * axes, 0));
  call.require(pads.size() == 2 * axes && (wanted.empty() || wanted.size() == axes),
               "has a list of the wrong length");
  int64_t before = 0, after = 0;  // what is cut off
  if (same || !wanted.empty()) {
    const int64_t output = wanted.empty() ? extent * stride : wanted[place];
    call.require(output > 0 && output <= most_elements, "its output_shape is out of range");
    const int64_t cut = (extent - 1) * stride + more + reach - output;
    call.require(cut >= 0, "its output is larger than what it computes; export it with pads");
    before = auto_pad == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
    after = cut - before;
  } else if (auto_pad != "VALID") {
    before = spatial(call, {pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes)}, axes,
                     0, 0)[axis];
    after = spatial(call, {pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end()}, axes, 0,
                    0)[axis];
  }
  return {reach - 1 - before, reach - 1 - after + more - (stride - 1)};
}

std::vector<Value> transposed_convolution(const Call& call) {
  Builder& build = call.build;
  const Shape& shape = call.activation(0).shape;
  call.require((shape.size() == 3 || shape.size() == 4) && shape[0] == 1,
               "takes batches of sequences or images, got " + to_string(shape));
  const std::size_t axes = shape.size() - 2;
  Tensor weight = call.constant(1).to(at::kFloat);
  const int64_t groups = call.integer("group", 1);
  call.require(weight.dim() == static_cast<int64_t>(shape.size()) && weight.size(0) == shape[1] &&
                   groups > 0 && shape[1] % groups == 0 && weight.numel() > 0,
               "its weight does not fit " + to_string(shape));
  const std::vector<int64_t> kernel = kernel_of(call, weight);
  if (axes == 1) weight = weight.unsqueeze(2);
  const std::vector<int64_t> ones(axes, 1), zeros(axes, 0);
  const Stretch stretch{spatial(call, kernel, axes, 1, 1),
                        spatial(call, call.integers("strides", ones), axes, 1, 1),
                        spatial(call, call.integers("dilations", ones), axes, 1, 1),
                        spatial(call, call.integers("output_padding", zeros), axes, 0, 0)};
  const auto& [depth, rows, columns] = stretch.stride;
  const int64_t channels = shape[1], height = axes == 1 ? 1 : shape[2], width = shape.back();
  // Zeros after each pixel, then around all.
  Value x = build.reshaped(call.input(0), {1, channels, height, 1, width, 1});
  x = build.padded(x, Shape(6, 0), {0, 0, 0, rows - 1, 0, columns - 1}, 0.0);
  const Shape wide{1, channels, height * rows, width * columns};
  count(wide);
  const Surroundings above =
      axes == 1 ? Surroundings{0, 0} : surroundings(call, stretch, 1, axes, height);
  const Surroundings beside = surroundings(call, stretch, 2, axes, width);
  x = build.padded(build.reshaped(x, wide), {0, 0, above.before, beside.before},
                   {0, 0, above.after, beside.after}, 0.0);
  ConvolutionOptions options;
  options.dilation = planar(stretch.dilation);
  options.groups = groups;
  Tensors tensors{build.made_once(weight, "turned " + std::to_string(groups),
                                  [&](const Tensor& tensor) { return turned(tensor, groups); })};
  if (call.has(2)) tensors.push_back(call.constant(2).to(at::kFloat));
  Shape result{1, tensors[0].size(0)};
  const auto computed = [&](std::size_t axis) {
    return x.shape[axis + 1] - stretch.dilation[axis] * (stretch.kernel[axis] - 1);
  };
  if (axes == 2) result.push_back(computed(1));
  result.push_back(computed(2));
  const int image = build.view(x, {x.shape.begin() + 1, x.shape.end()});
  return {build.added(convolution_layer(options), {image}, result, std::move(tensors))};
}

}  // namespace

const OperatorTable convolution_operators{
    {"Conv", convolution},
    {"ConvTranspose", transposed_convolution},
};

}  // namespace reluctance::onnx_import
