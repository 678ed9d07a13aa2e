// Operators that give the values of their input another shape, order or type.
#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

std::vector<Value> identity(const Call& call) { return {call.input(0)}; }

std::vector<Value> dropout(const Call& call) {
  const bool training = call.has(2) && call.constant(2).ne(0).any().item<bool>();
  call.require(!training, "is in training mode; export the model for inference");
  return {call.input(0)};
}

std::vector<Value> cast(const Call& call) {
  Value x = call.input(0);
  const int64_t type = call.integer("to", onnx::TensorProto::FLOAT);
  call.require(type > onnx::TensorProto::UNDEFINED, "its type is missing");
  const bool floating = type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE ||
                        type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16;
  const bool boolean = type == onnx::TensorProto::BOOL;
  if (x.is_constant()) {
    const auto target = floating ? at::kFloat : boolean ? at::kBool : at::kLong;
    return {call.build.computed(x.constant.to(target))};
  }
  if (!floating && !x.gate)
    throw NotPiecewiseLinear("a Cast of an activation to a type without fractions");
  return {x};
}

std::vector<Value> reshape(const Call& call) {
  const Value& x = call.input(0);
  const auto list = call.integers("shape", 1);
  call.require(list.has_value(), "its shape is missing");
  Shape shape = call.build.for_one_sample(*list);
  int64_t known = 1;
  std::size_t open = shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && call.integer("allowzero", 0) == 0) {
      call.require(i < x.shape.size(), "keeps an axis that its input lacks");
      shape[i] = x.shape[i];
    }
    if (shape[i] == -1) {
      call.require(open == shape.size(), "leaves two extents open");
      open = i;
    } else {
      known = count({known, shape[i]});
    }
  }
  if (open < shape.size()) shape[open] = known == 0 ? 0 : count(x.shape) / known;
  const Value result = call.build.reshaped(x, shape);
  if (result.is_constant()) return {result};
  // The reshape is the model's own, so it stays a layer even where nothing reads its shape.
  return {{{}, call.build.framed(result, {}).node, shape}};
}

std::vector<Value> flatten(const Call& call) {
  const Value& x = call.input(0);
  const auto rank = static_cast<int64_t>(x.shape.size());
  const int64_t axis = call.integer("axis", 1);
  call.require(axis >= -rank && axis <= rank, "its axis is outside of its input");
  const auto middle = x.shape.begin() + (axis < 0 ? axis + rank : axis);
  return {
      call.build.reshaped(x, {count({x.shape.begin(), middle}), count({middle, x.shape.end()})})};
}

std::vector<Value> squeeze(const Call& call) {
  const Value& x = call.input(0);
  const auto axes = call.integers("axes", 1);
  Shape shape;
  const std::vector<std::size_t> gone = resolve_axes(axes.value_or(Shape{}), x.shape.size());
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    const bool named = std::binary_search(gone.begin(), gone.end(), axis);
    call.require(!named || x.shape[axis] == 1,
                 "removes an axis of " + to_string(x.shape) + " that is not of extent 1");
    if (!named && (axes || x.shape[axis] != 1)) shape.push_back(x.shape[axis]);
  }
  return {call.build.reshaped(x, shape)};
}

std::vector<Value> unsqueeze(const Call& call) {
  const Value& x = call.input(0);
  const auto axes = call.integers("axes", 1);
  call.require(axes.has_value(), "its axes are missing");
  Shape shape = x.shape;
  for (std::size_t axis : resolve_axes(*axes, x.shape.size() + axes->size())) {
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  }
  return {call.build.reshaped(x, shape)};
}

std::vector<Value> transpose(const Call& call) {
  const Value& x = call.input(0);
  std::vector<int64_t> reversed(x.shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return {call.build.transposed(x, call.integers("perm", reversed))};
}

// The image axes of 1 x C x H x W.
void require_images(const Call& call) {
  const Shape& shape = call.input(0).shape;
  call.require(shape.size() == 4 && shape[0] == 1,
               "takes batches of images, got " + to_string(shape));
}

// The blocks that channels are moved to or from, of which an extent must hold a whole number.
int64_t block_size(const Call& call) {
  const int64_t size = call.integer("blocksize", 0);
  call.require(size > 0 && size < 1 << 15, "its blocksize is missing or out of range");
  return size;
}

// Channels become blocks of pixels.
std::vector<Value> depth_to_space(const Call& call) {
  require_images(call);
  const Shape& shape = call.input(0).shape;
  const int64_t block = block_size(call);
  const int64_t channels = shape[1] / (block * block), height = shape[2], width = shape[3];
  const std::string mode = call.text("mode", "DCR");
  call.require(channels * block * block == shape[1] && (mode == "DCR" || mode == "CRD"),
               "its mode or blocksize does not fit " + to_string(shape));
  const bool inner = mode == "CRD";  // whether a block's channels lie side by side
  const Shape split = inner ? Shape{1, channels, block, block, height, width}
                            : Shape{1, block, block, channels, height, width};
  const std::vector<int64_t> order =
      inner ? std::vector<int64_t>{0, 1, 4, 2, 5, 3} : std::vector<int64_t>{0, 3, 4, 1, 5, 2};
  const Value blocks = call.build.transposed(call.build.reshaped(call.input(0), split), order);
  return {call.build.reshaped(blocks, {1, channels, height * block, width * block})};
}

// Blocks of pixels become channels.
std::vector<Value> space_to_depth(const Call& call) {
  require_images(call);
  const Shape& shape = call.input(0).shape;
  const int64_t block = block_size(call);
  const int64_t channels = shape[1], height = shape[2] / block, width = shape[3] / block;
  call.require(height * block == shape[2] && width * block == shape[3],
               "its blocksize does not fit " + to_string(shape));
  const Value split =
      call.build.reshaped(call.input(0), {1, channels, height, block, width, block});
  return {call.build.reshaped(call.build.transposed(split, {0, 3, 5, 1, 2, 4}),
                              {1, channels * block * block, height, width})};
}

std::vector<Value> shape_of(const Call& call) {
  const Shape& shape = call.input(0).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto bound = [&](const char* name, int64_t otherwise) {
    const int64_t axis = call.integer(name, otherwise);
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t start = bound("start", 0);
  const int64_t end = std::max(bound("end", rank), start);
  return {call.build.computed(
      at::tensor(Shape(shape.begin() + start, shape.begin() + end), at::kLong))};
}

std::vector<Value> size(const Call& call) {
  return {call.build.computed(at::scalar_tensor(count(call.input(0).shape), at::kLong))};
}

}  // namespace

const OperatorTable layout_operators{
    {"Cast", cast},
    {"DepthToSpace", depth_to_space},
    {"Dropout", dropout},
    {"Flatten", flatten},
    {"Identity", identity},
    {"Reshape", reshape},
    {"Shape", shape_of},
    {"Size", size},
    {"SpaceToDepth", space_to_depth},
    {"Squeeze", squeeze},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

}  // namespace reluctance::onnx_import
