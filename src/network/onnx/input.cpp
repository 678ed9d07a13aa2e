#include "input.hpp"

#include <algorithm>

#include "reluctance/base/error.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// Extents as the file declares them, 0 for an open one.
Shape declared(const onnx::ValueInfoProto& value) {
  Shape shape;
  for (const auto& axis : value.type().tensor_type().shape().dim()) {
    shape.push_back(std::max<int64_t>(axis.dim_value(), 0));
  }
  return shape;
}

// The first axis of both is the batch if both have the same extent there, and the input more than
// one value for each: 10 x 1 -> 10 x 1 is a column of ten inputs. A list alone is one of labels.
int64_t fixed_batch(const Shape& input, const Shape& output, bool labels) {
  if (input.size() < 2 || output.size() < (labels ? 1 : 2) || input[0] != output[0]) return 1;
  return input[0] > 1 && count(input) > input[0] ? input[0] : 1;
}

}  // namespace

bool is_floating(const onnx::ValueInfoProto& value) {
  const int type = value.type().tensor_type().elem_type();
  return type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE ||
         type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16 ||
         type == onnx::TensorProto::UNDEFINED;
}

bool is_byte(const onnx::ValueInfoProto& value) {
  return value.type().tensor_type().elem_type() == onnx::TensorProto::UINT8;
}

Input read_input(const onnx::ValueInfoProto& input, const onnx::ValueInfoProto& output) {
  const std::string name = "input '" + input.name() + "' ";
  const auto& type = input.type().tensor_type();
  if (!input.type().has_tensor_type() || type.shape().dim_size() == 0) {
    throw Error(name + "has no shape; export the model with the shape of its input");
  }
  if (!is_floating(input) && !is_byte(input)) {
    throw Error(name +
                "takes neither floating-point numbers nor bytes; export the model so that "
                "it takes images as one of these");
  }
  Shape shape = declared(input);
  const auto open = std::count(shape.begin(), shape.end(), 0);
  if (open > 1) {
    throw Error(name + "has " + std::to_string(open) +
                " open extents; export the model with fixed extents on every axis but the batch");
  }
  Input result{{}, {}, 1, 0};
  if (open == 1) {
    std::replace(shape.begin(), shape.end(), int64_t{0}, int64_t{1});
  } else {
    const Shape answers = declared(output);
    result.batch = fixed_batch(shape, answers, !is_floating(output));
    if (result.batch > 1) {
      result.outputs = count(answers) / result.batch;
      shape[0] = 1;
    }
  }
  count(shape);
  result.shape = shape;
  const bool column = shape.size() == 2 && shape[1] == 1 && shape[0] > 1;
  const bool leading = shape.size() > 1 && shape[0] == 1;
  if (column) shape.pop_back();
  if (leading) shape.erase(shape.begin());
  result.sample = shape;
  return result;
}

}  // namespace reluctance::onnx_import
