// The layers that networks are built from. Sample shapes leave the batch axis out.
#pragma once

#include <array>
#include <vector>

#include "reluctance/network/layer.hpp"

namespace reluctance {

// y = W x + b. Tensors: W (out x in) and, unless left out, b (out). Sample shape in -> out.
LayerPtr linear_layer();

// Two-dimensional cross-correlation. Tensors: W (out x in/groups x kh x kw) and, unless left out, b
// (out).
struct ConvolutionOptions {
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> padding{0, 0};  // zeros on both sides of each axis
  std::array<int64_t, 2> dilation{1, 1};
  int64_t groups = 1;
};
LayerPtr convolution_layer(const ConvolutionOptions& options);

// max(x, slope * x) for slope < 1: ReLU with slope 0, LeakyReLU otherwise.
LayerPtr relu_layer(double slope = 0.0);

// Windows over the last two axes of C x H x W. Padding never wins a maximum.
struct PoolingOptions {
  std::array<int64_t, 2> kernel{2, 2};
  std::array<int64_t, 2> stride{2, 2};
  std::array<int64_t, 2> padding{0, 0};
  std::array<int64_t, 2> dilation{1, 1};  // max-pooling only
  bool ceil_mode = false;          // a window that starts inside counts even if it sticks out
  bool count_include_pad = false;  // average pooling only: padding counts as zeros
};
LayerPtr max_pooling_layer(const PoolingOptions& options);
LayerPtr average_pooling_layer(const PoolingOptions& options);

// Mean over sample axes. `keep`: the axes stay with extent 1.
LayerPtr mean_layer(std::vector<int64_t> axes, bool keep);

// y = scale * x + shift with constants that broadcast against the sample shape: input
// normalisation, the statistics of batch normalisation. Tensors: scale, shift; not trainable.
LayerPtr affine_layer();

// y = scale * x + shift, trainable, for each channel: what batch normalisation learns. Channels are
// the first axis of C x ... Tensors: scale (C), shift (C).
LayerPtr channel_affine_layer();

LayerPtr reshape_layer(Shape shape);                         // Flatten, Reshape, Squeeze, Unsqueeze
LayerPtr transpose_layer(std::vector<int64_t> permutation);  // of the sample axes

// The entries with those indices along a sample axis, in that order: slices, splits, repetition.
LayerPtr gather_layer(int64_t axis, const std::vector<int64_t>& indices);

// Constant padding of every sample axis.
LayerPtr pad_layer(std::vector<int64_t> before, std::vector<int64_t> after, double value);

LayerPtr sum_layer();                 // two inputs of the same shape: residual connections
LayerPtr concat_layer(int64_t axis);  // two or more inputs along a sample axis

}  // namespace reluctance
