// Tensors of ONNX files as ATen tensors.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <fstream>

#include "reluctance/base/tensor.hpp"

namespace reluctance::onnx_import {

class TensorReader {
 public:
  // `folder` is the model's: external data must lie in it.
  explicit TensorReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Floating-point tensors become float32, integers int64, booleans stay. Allocates no more than
  // the file has data for. Throws Error if the data does not fit the shape.
  Tensor read(const onnx::TensorProto& proto) const;

 private:
  // The file with a tensor's data, at its first byte, once `size` bytes are known to be there.
  std::ifstream open_external(const onnx::TensorProto& proto, std::size_t size) const;

  std::filesystem::path folder_;
};

}  // namespace reluctance::onnx_import
