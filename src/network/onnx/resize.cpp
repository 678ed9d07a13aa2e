// Images made larger or smaller: axis by axis, each place takes one value or blends two.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// How the places of one axis become those of another. In float32, as files and runtimes have it: on
// which side of a half a place falls depends on it.
struct Axis {
  int64_t from, to;
  float scale;
};

using PlaceFunction = float (*)(const Axis& axis, float i);

// Where place i of the result lies among those of the input.
PlaceFunction place_function(const Call& call, const std::string& mode) {
  static const std::vector<std::pair<std::string, PlaceFunction>> known{
      {"asymmetric", [](const Axis& axis, float i) { return i / axis.scale; }},
      {"half_pixel", [](const Axis& axis, float i) { return (i + 0.5f) / axis.scale - 0.5f; }},
      {"pytorch_half_pixel",
       [](const Axis& axis, float i) {
         return axis.to > 1 ? (i + 0.5f) / axis.scale - 0.5f : 0.0f;
       }},
      {"half_pixel_symmetric",
       [](const Axis& axis, float i) {
         const auto from = static_cast<float>(axis.from);
         const float filled = static_cast<float>(axis.to) / (axis.scale * from);
         return from / 2 * (1 - filled) + (i + 0.5f) / axis.scale - 0.5f;
       }},
      {"align_corners",
       [](const Axis& axis, float i) {
         return axis.to > 1
                    ? i * static_cast<float>(axis.from - 1) / static_cast<float>(axis.to - 1)
                    : 0.0f;
       }},
  };
  for (const auto& [name, function] : known) {
    if (name == mode) return function;
  }
  call.require(false, "coordinate_transformation_mode " + mode +
                          " is not supported; export with half_pixel, align_corners or asymmetric");
  return nullptr;
}

using RoundingFunction = float (*)(float place);

RoundingFunction rounding_function(const Call& call) {
  static const std::vector<std::pair<std::string, RoundingFunction>> known{
      {"round_prefer_floor", [](float place) { return std::ceil(place - 0.5f); }},
      {"round_prefer_ceil", [](float place) { return std::round(place); }},
      {"floor", [](float place) { return std::floor(place); }},
      {"ceil", [](float place) { return std::ceil(place); }},
  };
  const std::string mode = call.text("nearest_mode", "round_prefer_floor");
  for (const auto& [name, function] : known) {
    if (name == mode) return function;
  }
  call.require(false, "nearest_mode " + mode + " is not supported; export with floor");
  return nullptr;
}

int64_t inside(float place, const Axis& axis) {
  return static_cast<int64_t>(std::clamp(place, 0.0f, static_cast<float>(axis.from - 1)));
}

Value nearest(const Call& call, const Value& x, std::size_t axis, const Axis& extents) {
  const bool old = call.opset < 11;  // then places were cut off
  const PlaceFunction place = place_function(
      call, old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel"));
  const RoundingFunction rounded =
      old ? [](float at) { return std::floor(at); } : rounding_function(call);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < extents.to; ++i) {
    const float at = place(extents, static_cast<float>(i));
    call.require(!old || extents.scale >= 1.0f || at == std::floor(at),
                 "does not say which pixels remain; export it with opset 11 or later");
    indices.push_back(inside(rounded(at), extents));
  }
  return call.build.selected(x, axis, indices);
}

Value blended(const Call& call, const Value& x, std::size_t axis, const Axis& extents) {
  const PlaceFunction place = place_function(
      call,
      call.opset < 11 ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel"));
  std::vector<int64_t> low, high;
  std::vector<float> share;  // of the higher one
  for (int64_t i = 0; i < extents.to; ++i) {
    const float at = std::clamp(place(extents, static_cast<float>(i)), 0.0f,
                                static_cast<float>(extents.from - 1));
    low.push_back(inside(std::floor(at), extents));
    high.push_back(std::min(low.back() + 1, extents.from - 1));
    share.push_back(at - std::floor(at));
  }
  Shape along(x.shape.size() - axis, 1);
  along[0] = extents.to;
  const Tensor of_high = at::tensor(share, at::kFloat).view(along);
  Builder& build = call.build;
  return build.plus(build.times(build.selected(x, axis, low), build.computed(1 - of_high)),
                    build.times(build.selected(x, axis, high), build.computed(of_high)));
}

// What the file gives of extents: scales or sizes of the named axes.
std::vector<Axis> resized_axes(const Call& call, const Shape& shape) {
  std::vector<Axis> axes;
  for (int64_t extent : shape) axes.push_back({extent, extent, 1.0f});
  std::vector<int64_t> named(shape.size());
  for (std::size_t axis = 0; axis < named.size(); ++axis) named[axis] = static_cast<int64_t>(axis);
  named = call.integers("axes", named);
  resolve_axes(named, shape.size());
  const std::size_t place = call.opset < 11 ? 1 : 2;
  const bool sized = call.has(3) && call.input(3).shape != Shape{0};
  Tensor scales = at::zeros({0});
  Shape sizes;
  if (sized) {
    sizes = call.list(3);
    if (sizes.size() == shape.size()) sizes = call.build.for_one_sample(sizes);
  } else if (call.has("scales")) {
    scales = at::tensor(call.numbers("scales"), at::kFloat);
  } else {
    scales = call.constant(place).to(at::kFloat).flatten();
  }
  const std::size_t given = sized ? sizes.size() : static_cast<std::size_t>(scales.numel());
  call.require(given == named.size(), "its scales or sizes do not fit " + to_string(shape));
  for (std::size_t i = 0; i < given; ++i) {
    Axis& axis = axes[resolve_axis(named[i], shape.size())];
    constexpr float most = 1 << 20;
    axis.scale = sized ? static_cast<float>(sizes[i]) / static_cast<float>(axis.from)
                       : scales[static_cast<int64_t>(i)].item<float>();
    call.require(axis.scale > 0.0f && axis.scale <= most, "its scales or sizes are out of range");
    axis.to = sized ? sizes[i] : static_cast<int64_t>(axis.scale * static_cast<float>(axis.from));
  }
  return axes;
}

std::vector<Value> resize(const Call& call) {
  Value x = call.activation(0);
  const std::string mode = call.text("mode", "nearest");
  call.require(mode == "nearest" || mode == "linear" || mode == "bilinear",
               "mode " + mode + " is not supported; export it with nearest or linear");
  call.require(call.integer("antialias", 0) == 0 &&
                   call.text("keep_aspect_ratio_policy", "stretch") == "stretch",
               "its antialias or keep_aspect_ratio_policy is not supported; export it without");
  const std::vector<Axis> axes = resized_axes(call, x.shape);
  Shape result;
  for (const Axis& axis : axes) result.push_back(axis.to);
  call.require(count(result) > 0, "leaves nothing of " + to_string(x.shape));
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const Axis& extents = axes[axis];
    if (extents.to == extents.from && extents.scale == 1.0f) continue;
    call.build.require_room(2 * extents.to);
    x = mode == "nearest" ? nearest(call, x, axis, extents) : blended(call, x, axis, extents);
  }
  return {x};
}

}  // namespace

const OperatorTable resize_operators{{"Resize", resize}, {"Upsample", resize}};

}  // namespace reluctance::onnx_import
