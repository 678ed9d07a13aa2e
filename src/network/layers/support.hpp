// What the layers share: checks of shapes, and views that line K copies of a batch up with its
// gates.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "reluctance/base/error.hpp"
#include "reluctance/network/layer.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {

inline void require(bool fits, const std::string& layer, const std::string& what) {
  if (!fits) throw Error(layer + ": " + what);
}

inline void require_inputs(const Layer& layer, const std::vector<Shape>& inputs,
                           std::size_t count) {
  require(inputs.size() == count, layer.name(),
          "takes " + std::to_string(count) + " inputs, got " + std::to_string(inputs.size()));
}

inline void require_rank(const Layer& layer, const Shape& input, std::size_t rank) {
  require(input.size() == rank, layer.name(),
          "takes samples of " + std::to_string(rank) + " axes, got " + to_string(input));
}

// The tensors of a layer with trainable ones: a weight and, if it has one, a bias.
inline bool has_bias(const Tensors& tensors) { return tensors.size() == 2; }

inline bool fits_bias(const Tensors& tensors) {
  return tensors.size() == 1 ||
         (tensors.size() == 2 && tensors[1].dim() == 1 && tensors[0].size(0) == tensors[1].size(0));
}

// Shape with a batch axis in front.
inline Shape batched(int64_t samples, const Shape& sample) {
  Shape shape{samples};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return shape;
}

// K*N x ... -> K x N x ..., so that a gate of N x ... broadcasts over the K copies.
inline Tensor by_copy(const Tensor& v, int64_t samples) {
  Shape shape = batched(v.size(0) / samples, Shape(v.sizes().begin(), v.sizes().end()));
  shape[1] = samples;
  return v.view(shape);
}

// Of each sample: N, float64.
inline Tensor squared_norms(const Tensor& x) {
  return x.flatten(1).norm(2, 1).to(at::kDouble).square();
}

// A tensor of the given batch whose values nobody reads: some backward kernels want only its sizes.
inline Tensor sizes_only(const Tensor& like, int64_t samples, const Shape& sample) {
  return at::empty(batched(samples, sample), like.options());
}

// Whether `x` and its memory are held by nobody else, so that a layer may overwrite it.
inline bool sole_owner(const Tensor& x) {
  return x.use_count() == 1 && x.storage().use_count() == 1;
}

// The output extent of a window that slides over one axis; the convention of ONNX and ATen.
inline int64_t window_extent(int64_t input, int64_t kernel, int64_t stride, int64_t padding,
                             int64_t dilation, bool ceil_mode) {
  const int64_t reach = input + 2 * padding - dilation * (kernel - 1) - 1;
  if (reach < 0) return 0;
  int64_t extent = (reach + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  // A window must start inside the input or its left padding.
  if (ceil_mode && (extent - 1) * stride >= input + padding) --extent;
  return extent;
}

// Output shape of a pooling layer; throws Error if its window does not fit.
Shape pooled_shape(const Layer& layer, const Shape& input, const PoolingOptions& options);

// The attributes that MaxPool and AveragePool share.
Operator pooling_operator(const std::string& type, const PoolingOptions& options);

}  // namespace reluctance
