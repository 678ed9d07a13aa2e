#include "shapes.hpp"

#include <algorithm>

#include "reluctance/base/error.hpp"

namespace reluctance::onnx_import {
namespace {

void require_few_axes(std::size_t rank) {
  if (rank > most_axes) {
    throw Error("has a tensor of " + std::to_string(rank) + " axes, more than " +
                std::to_string(most_axes));
  }
}

}  // namespace

int64_t count(const Shape& shape) {
  require_few_axes(shape.size());
  int64_t elements = 1;
  for (int64_t extent : shape) {
    if (extent < 0) throw Error("the shape " + to_string(shape) + " has a negative extent");
    // An extent of 0 lets no other one be beyond all bounds.
    const int64_t factor = std::max<int64_t>(extent, 1);
    if (elements > most_elements / factor) {
      throw Error("the shape " + to_string(shape) + " has more than " +
                  std::to_string(most_elements) + " elements");
    }
    elements *= factor;
  }
  return std::find(shape.begin(), shape.end(), 0) == shape.end() ? elements : 0;
}

std::size_t resolve_axis(int64_t axis, std::size_t rank) {
  const auto axes = static_cast<int64_t>(rank);
  if (axis < -axes || axis >= axes) {
    throw Error("axis " + std::to_string(axis) + " is outside of a tensor of " +
                std::to_string(rank) + " axes");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

std::vector<std::size_t> resolve_axes(const std::vector<int64_t>& axes, std::size_t rank) {
  require_few_axes(rank);
  std::vector<std::size_t> resolved;
  for (int64_t axis : axes) resolved.push_back(resolve_axis(axis, rank));
  std::sort(resolved.begin(), resolved.end());
  if (std::adjacent_find(resolved.begin(), resolved.end()) != resolved.end()) {
    throw Error("an axis is named twice");
  }
  return resolved;
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() < b.size() ? b : a;
  const Shape& shorter = a.size() < b.size() ? a : b;
  Shape result = longer;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    int64_t& extent = result[longer.size() - shorter.size() + i];
    if (extent == 1) extent = shorter[i];
    if (shorter[i] != 1 && shorter[i] != extent) {
      throw Error("the shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
    }
  }
  return result;
}

}  // namespace reluctance::onnx_import
