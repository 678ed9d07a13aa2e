// Tensors of ONNX files as ATen tensors.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "reluctance/base/tensor.hpp"

namespace reluctance::onnx_import {

class TensorReader {
 public:
  // `folder` is the model's: external data must lie in it. Without one there is none.
  explicit TensorReader(std::optional<std::filesystem::path> folder) : folder_(std::move(folder)) {}

  // Floating-point tensors become float32, integers int64, booleans stay. Allocates no more than
  // the file has data for, and bytes of other files that several tensors name once. Throws Error if
  // the data does not fit the shape.
  Tensor read(const onnx::TensorProto& proto) const;

 private:
  // The data that a tensor has in another file: `elements` of `type`.
  Tensor external(const onnx::TensorProto& proto, int64_t elements, at::ScalarType type) const;

  std::optional<std::filesystem::path> folder_;
  // By file, first byte, size and type.
  mutable std::map<std::tuple<std::string, std::uint64_t, std::size_t, at::ScalarType>, Tensor>
      external_;
};

}  // namespace reluctance::onnx_import
