// Arithmetic on shapes and axes that come from untrusted files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reluctance/base/tensor.hpp"

namespace reluctance::onnx_import {

// No constant and no activation of one sample has more elements: 4 GiB in float32.
constexpr int64_t most_elements = int64_t{1} << 30;

// More axes than ATen's kernels take are no tensor that a network has.
constexpr std::size_t most_axes = 32;

// Number of elements. Throws Error for a negative extent, or more axes or elements than that.
int64_t count(const Shape& shape);

// An axis of a tensor of that rank, counted from the end if negative. Throws Error if outside.
std::size_t resolve_axis(int64_t axis, std::size_t rank);

// The same for a list, in increasing order. Throws Error if an axis is named twice.
std::vector<std::size_t> resolve_axes(const std::vector<int64_t>& axes, std::size_t rank);

// The shape of an elementwise operation on both. Throws Error if they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace reluctance::onnx_import
