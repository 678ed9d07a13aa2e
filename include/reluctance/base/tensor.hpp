// The tensor type of every public header: ATen's, without the rest of LibTorch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace reluctance {

using Tensor = at::Tensor;
using Tensors = std::vector<at::Tensor>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Extents of a tensor. Where a comment says "sample shape", the batch axis is left out.
using Shape = std::vector<int64_t>;

// Number of elements of a shape; 1 for the empty shape.
int64_t elements(const Shape& shape);

// "1 x 28 x 28", for messages.
std::string to_string(const Shape& shape);

}  // namespace reluctance
