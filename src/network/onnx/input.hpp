// What one sample is to a model, whatever its exporter did with the batch axis.
#pragma once

#include <onnx/onnx_pb.h>

#include "reluctance/base/tensor.hpp"

namespace reluctance::onnx_import {

struct Input {
  Shape shape;      // in the file, for a batch of one
  Shape sample;     // without the batch axis
  int64_t batch;    // the fixed batch size that the file was exported for, 1 for none
  int64_t outputs;  // of a fixed batch: the numbers that one sample is to give; 0: left open
};

// Of floating-point numbers, of a type that is not said, or of bytes.
bool is_floating(const onnx::ValueInfoProto& value);
bool is_byte(const onnx::ValueInfoProto& value);

// Throws Error if an extent other than the batch's is left open, or for numbers of another kind.
Input read_input(const onnx::ValueInfoProto& input, const onnx::ValueInfoProto& output);

}  // namespace reluctance::onnx_import
