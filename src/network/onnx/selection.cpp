// Operators that pick, repeat, join and pad along axes.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

using Indices = std::vector<int64_t>;

// The indices from `start` to before `end`, each counted from the end of the axis if negative.
Indices strided(const Call& call, int64_t extent, int64_t start, int64_t end, int64_t step) {
  call.require(step != 0, "its step is 0");
  if (extent == 0) return {};
  call.build.require_room(extent);
  step = std::clamp<int64_t>(step, -extent - 1, extent + 1);
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? extent : extent - 1;
  start = std::clamp<int64_t>(start < 0 ? start + extent : start, 0, high);
  end = std::clamp(end < 0 ? end + extent : end, low, high);
  Indices indices;
  for (int64_t i = start; step > 0 ? i < end : i > end; i += step) indices.push_back(i);
  return indices;
}

std::vector<Value> slice(const Call& call) {
  Value x = call.input(0);
  const auto starts = call.integers("starts", 1);
  const auto ends = call.integers("ends", 2);
  call.require(starts && ends && starts->size() == ends->size(),
               "its starts and ends do not match");
  Indices first_axes(starts->size());
  std::iota(first_axes.begin(), first_axes.end(), 0);
  const Indices axes = call.integers("axes", 3).value_or(first_axes);
  const Indices steps = call.integers("steps", 4).value_or(Indices(starts->size(), 1));
  call.require(axes.size() == starts->size() && steps.size() == starts->size(),
               "its axes and steps do not match");
  resolve_axes(axes, x.shape.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = resolve_axis(axes[i], x.shape.size());
    x = call.build.selected(x, axis,
                            strided(call, x.shape[axis], (*starts)[i], (*ends)[i], steps[i]));
  }
  return {x};
}

std::vector<Value> gather(const Call& call) {
  const Value& x = call.input(0);
  const std::size_t axis = resolve_axis(call.integer("axis", 0), x.shape.size());
  Indices indices = call.list(1);
  for (int64_t& index : indices) {
    if (index < 0) index += x.shape[axis];
    call.require(index >= 0 && index < x.shape[axis],
                 "its indices are outside of " + to_string(x.shape));
  }
  const Value picked = call.build.selected(x, axis, indices);
  // The axis gives way to the axes of the indices, of which one index has none.
  Shape shape = picked.shape;
  const auto place = shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Shape& inserted = call.input(1).shape;
  shape.insert(place, inserted.begin(), inserted.end());
  return {call.build.reshaped(picked, shape)};
}

std::vector<Value> split(const Call& call) {
  const Value& x = call.input(0);
  const std::size_t axis = resolve_axis(call.integer("axis", 0), x.shape.size());
  const int64_t extent = x.shape[axis];
  const auto parts = static_cast<int64_t>(call.outputs());
  const Indices sizes =
      call.integers("split", 1).value_or(Indices(call.outputs(), (extent + parts - 1) / parts));
  call.require(sizes.size() == call.outputs(), "its parts are not as many as its outputs");
  std::vector<Value> values;
  int64_t begin = 0;
  for (int64_t size : sizes) {
    call.require(size >= 0 && begin < extent, "its parts do not fit its input");
    const int64_t end = std::min(begin + std::min(size, extent), extent);
    values.push_back(call.build.selected(x, axis, strided(call, extent, begin, end, 1)));
    begin = end;
  }
  call.require(begin == extent, "its parts do not fit its input");
  return values;
}

// Activations along an axis, and constants among them: zeros, to which the constants are added.
Value joined(const Call& call, std::size_t axis, const Shape& shape, bool has_constants) {
  Builder& build = call.build;
  if (has_constants) build.require_room(2 * count(shape));
  const auto along = [&](int64_t width) {
    Shape widths(shape.size(), 0);
    widths[axis] = width;
    return widths;
  };
  std::vector<Value> parts;
  Tensors shifts;
  int64_t before = 0;  // zeros before the first activation
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const Value& part = call.input(i);
    const int64_t extent = part.shape[axis];
    if (!part.is_constant()) {
      parts.push_back(build.padded(part, along(std::exchange(before, 0)), along(0), 0.0));
    } else if (parts.empty()) {
      before += extent;
    } else {
      parts.back() = build.padded(parts.back(), along(0), along(extent), 0.0);
    }
    if (has_constants) {
      shifts.push_back(part.is_constant() ? part.constant.to(at::kFloat) : at::zeros(part.shape));
    }
  }
  std::vector<int> nodes;
  std::size_t first = 0;
  for (const Value& part : parts) {
    const Builder::Framed frame = build.framed(part, {axis});
    nodes.push_back(frame.node);
    first = frame.first;
  }
  const auto sample_axis = static_cast<int64_t>(axis - first);
  const Value activations =
      parts.size() == 1 ? parts[0] : build.added(concat_layer(sample_axis), nodes, shape);
  if (!has_constants) return activations;
  return build.plus(activations, build.computed(at::cat(shifts, static_cast<int64_t>(axis))));
}

std::vector<Value> concat(const Call& call) {
  Shape shape = call.input(0).shape;
  const std::size_t axis = resolve_axis(call.integer("axis", 1), shape.size());
  std::size_t constants = call.input(0).is_constant();
  for (std::size_t i = 1; i < call.inputs(); ++i) {
    Shape rest = call.input(i).shape;
    call.require(rest.size() == shape.size(), "its inputs have different numbers of axes");
    const int64_t extent = std::exchange(rest[axis], shape[axis]);
    call.require(rest == shape, "its inputs do not fit");
    shape[axis] += extent;
    constants += call.input(i).is_constant();
  }
  if (constants < call.inputs()) return {joined(call, axis, shape, constants > 0)};
  Tensors parts;
  for (std::size_t i = 0; i < call.inputs(); ++i) parts.push_back(call.input(i).constant);
  call.build.require_room(count(shape));
  return {call.build.computed(at::cat(parts, static_cast<int64_t>(axis)))};
}

std::vector<Value> expand(const Call& call) {
  return {call.build.broadcasted(call.input(0), call.build.for_one_sample(call.list(1)))};
}

std::vector<Value> tile(const Call& call) {
  Value x = call.input(0);
  const Indices repeats = call.list(1);
  call.require(repeats.size() == x.shape.size(), "its repeats do not fit its input");
  for (std::size_t axis = 0; axis < repeats.size(); ++axis) {
    const int64_t extent = x.shape[axis];
    call.require(repeats[axis] >= 1, "repeats an axis less than once");
    call.build.require_room(count({extent, repeats[axis]}));
    Indices indices;
    for (int64_t i = 0; i < extent * repeats[axis]; ++i) indices.push_back(i % extent);
    x = call.build.selected(x, axis, indices);
  }
  return {x};
}

// The index that each place of a padded axis takes its value from beyond the ends: by reflection,
// from the nearest edge, or from the other end. Negative widths crop.
Indices taken(const Call& call, int64_t extent, int64_t before, int64_t after) {
  const std::string mode = call.text("mode", "constant");
  const bool reflect = mode == "reflect", wrap = mode == "wrap";
  call.require(reflect || wrap || mode == "edge",
               "has the mode " + mode + "; export it with constant, edge, reflect or wrap");
  call.require(!reflect || std::max(before, after) < extent, "reflects more than its input");
  call.require(extent > 0, "repeats an empty input");
  call.require(!wrap || (std::min(before, after) >= 0 && std::max(before, after) <= extent),
               "wraps around more than once, or an axis that it crops; export it as several Pads");
  call.build.require_room(extent + before + after);
  const int64_t last = extent - 1;
  Indices indices;
  for (int64_t i = -before; i < extent + after; ++i) {
    indices.push_back(reflect ? last - std::abs(last - std::abs(i))
                      : wrap  ? (i % extent + extent) % extent
                              : std::clamp<int64_t>(i, 0, last));
  }
  return indices;
}

std::vector<Value> pad(const Call& call) {
  Value x = call.input(0);
  const std::size_t rank = x.shape.size();
  Indices all_axes(rank);
  std::iota(all_axes.begin(), all_axes.end(), 0);
  const Indices axes = call.integers("axes", 3).value_or(all_axes);
  resolve_axes(axes, rank);
  const auto pads = call.integers("pads", 1);
  call.require(pads && pads->size() == 2 * axes.size(), "needs a start and an end for every axis");
  constexpr int64_t most = 1 << 20;
  for (const int64_t width : *pads) {
    call.require(width <= most && width >= -most, "its pads are too large");
  }
  const double value = call.number("value", 2, 0.0);
  call.require(!std::isnan(value), "its value is not a number");
  Shape before(rank, 0), after(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = resolve_axis(axes[i], rank);
    before[axis] = (*pads)[i];
    after[axis] = (*pads)[i + axes.size()];
  }
  if (call.text("mode", "constant") == "constant") {
    return {call.build.padded(x, before, after, value)};
  }
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (before[axis] == 0 && after[axis] == 0) continue;
    x = call.build.selected(x, axis, taken(call, x.shape[axis], before[axis], after[axis]));
  }
  return {x};
}

}  // namespace

const OperatorTable selection_operators{
    {"Concat", concat}, {"Expand", expand}, {"Gather", gather}, {"Pad", pad},
    {"Slice", slice},   {"Split", split},   {"Tile", tile},
};

}  // namespace reluctance::onnx_import
