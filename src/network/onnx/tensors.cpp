#include "tensors.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

namespace fs = std::filesystem;

// Types with an ATen counterpart; ONNX has more, which no weight of a ReLU network uses.
at::ScalarType scalar_type(const onnx::TensorProto& proto) {
  static const std::map<int, at::ScalarType> types{
      {onnx::TensorProto::FLOAT, at::kFloat},  {onnx::TensorProto::DOUBLE, at::kDouble},
      {onnx::TensorProto::FLOAT16, at::kHalf}, {onnx::TensorProto::BFLOAT16, at::kBFloat16},
      {onnx::TensorProto::INT64, at::kLong},   {onnx::TensorProto::INT32, at::kInt},
      {onnx::TensorProto::INT16, at::kShort},  {onnx::TensorProto::INT8, at::kChar},
      {onnx::TensorProto::UINT8, at::kByte},   {onnx::TensorProto::BOOL, at::kBool},
  };
  const auto found = types.find(proto.data_type());
  if (found == types.end()) {
    throw Error("has the element type " + std::to_string(proto.data_type()) +
                ", which is not supported; export weights as float32");
  }
  return found->second;
}

// A number in the external-data table.
std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) {
    throw Error("its external data has '" + text + "' where a number of bytes should be");
  }
  return value;
}

// The values of one of the typed fields, which hold small types in wider ones.
template <typename Field>
Tensor typed(const Field& field, int64_t elements, at::ScalarType wide, at::ScalarType type) {
  if (field.size() != elements) {
    throw Error("has " + std::to_string(field.size()) + " values for " + std::to_string(elements) +
                " elements");
  }
  Tensor values = at::empty({elements}, wide);
  if (elements > 0) std::memcpy(values.data_ptr(), field.data(), values.nbytes());
  const bool stored_as_bits = type == at::kHalf || type == at::kBFloat16;
  return stored_as_bits ? values.to(at::kShort).view(type) : values.to(type);
}

Tensor from_fields(const onnx::TensorProto& proto, int64_t elements, at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return typed(proto.float_data(), elements, at::kFloat, type);
    case at::kDouble:
      return typed(proto.double_data(), elements, at::kDouble, type);
    case at::kLong:
      return typed(proto.int64_data(), elements, at::kLong, type);
    default:
      return typed(proto.int32_data(), elements, at::kInt, type);
  }
}

// A byte that is neither 0 nor 1 is no valid bool in memory.
at::ScalarType stored_as(at::ScalarType type) { return type == at::kBool ? at::kByte : type; }

Tensor widened(const Tensor& stored, at::ScalarType type) {
  if (type == at::kBool) return stored.ne(0);
  return stored.to(c10::isIntegralType(type, false) ? at::kLong : at::kFloat);
}

}  // namespace

Tensor TensorReader::read(const onnx::TensorProto& proto) const {
  const std::string name = "tensor '" + proto.name() + "': ";
  try {
    const Shape shape(proto.dims().begin(), proto.dims().end());
    const int64_t elements = count(shape);
    const at::ScalarType type = scalar_type(proto);
    const std::size_t size = static_cast<std::size_t>(elements) * c10::elementSize(type);
    const at::ScalarType stored = stored_as(type);
    Tensor values;
    if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
      return external(proto, elements, type).reshape(shape);
    } else if (proto.has_raw_data()) {
      if (proto.raw_data().size() != size) {
        throw Error("has " + std::to_string(proto.raw_data().size()) + " bytes of data, but " +
                    to_string(shape) + " takes " + std::to_string(size));
      }
      values = at::empty({elements}, stored);
      if (size > 0) std::memcpy(values.data_ptr(), proto.raw_data().data(), size);
    } else {
      values = from_fields(proto, elements, stored);
    }
    return widened(values, type).reshape(shape);
  } catch (const Error& error) {
    throw Error(name + error.what());
  }
}

Tensor TensorReader::external(const onnx::TensorProto& proto, int64_t elements,
                              at::ScalarType type) const {
  const std::size_t size = static_cast<std::size_t>(elements) * c10::elementSize(type);
  std::map<std::string, std::string> table;
  for (const auto& entry : proto.external_data()) table[entry.key()] = entry.value();
  const fs::path location = table["location"];
  const bool leaves = std::find(location.begin(), location.end(), "..") != location.end();
  if (location.empty() || location.is_absolute() || leaves) {
    throw Error("keeps its data in '" + location.string() +
                "'; external data must lie in the model's folder");
  }
  if (!folder_) {
    throw Error("keeps its data in '" + location.string() +
                "'; give the path of the model, not its bytes");
  }
  std::error_code code;
  const fs::path root = fs::canonical(folder_->empty() ? "." : *folder_, code);
  const fs::path path = fs::canonical(*folder_ / location, code);
  if (code || !fs::is_regular_file(path, code)) {
    throw Error("keeps its data in '" + location.string() +
                "', which is no file in the model's folder");
  }
  if (std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first != root.end()) {
    throw Error("keeps its data in '" + location.string() + "', a link out of the model's folder");
  }
  const std::uint64_t available = fs::file_size(path, code);
  constexpr std::uint64_t largest_pointer = 1024;
  if (!code && available <= largest_pointer) read_file(path, largest_pointer);  // not of Git LFS
  const std::uint64_t offset = table["offset"].empty() ? 0 : number(table["offset"]);
  const std::uint64_t length = table["length"].empty() ? size : number(table["length"]);
  if (code || length != size || offset > available || size > available - offset) {
    throw Error("takes " + std::to_string(size) + " bytes, but its place in '" + location.string() +
                "' has " + std::to_string(length) + " at " + std::to_string(offset) + " of " +
                std::to_string(available));
  }
  Tensor& values = external_[{path.string(), offset, size, type}];
  if (values.defined()) return values;
  std::ifstream stream(path, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const Tensor read = at::empty({elements}, stored_as(type));
  stream.read(static_cast<char*>(read.data_ptr()), static_cast<std::streamsize>(size));
  if (!stream) throw Error("has external data that cannot be read");
  return values = widened(read, type);
}

}  // namespace reluctance::onnx_import
