#include "call.hpp"

#include <ATen/ATen.h>

namespace reluctance::onnx_import {
namespace {

// Lists of axes, extents and indices; a longer one is no list of those.
constexpr int64_t longest_list = 1 << 20;

}  // namespace

void Call::require(bool fits, const std::string& what) const {
  if (!fits) throw Error(type() + ": " + what);
}

const Value& Call::input(std::size_t i) const {
  require(has(i), "its input " + std::to_string(i) + " is missing");
  return *inputs_[i];
}

const Value& Call::activation(std::size_t i) const {
  require(!input(i).is_constant(),
          "is applied to constants alone; export the model with constants folded");
  return input(i);
}

Tensor Call::constant(std::size_t i) const {
  require(input(i).is_constant(),
          "its input " + std::to_string(i) +
              " must be a constant; export the model with constants folded");
  return inputs_[i]->constant;
}

const onnx::AttributeProto* Call::find(const char* name) const {
  for (const auto& attribute : node_.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t Call::integer(const char* name, int64_t otherwise) const {
  const auto* attribute = find(name);
  return attribute ? attribute->i() : otherwise;
}

double Call::number(const char* name, double otherwise) const {
  const auto* attribute = find(name);
  return attribute ? attribute->f() : otherwise;
}

std::string Call::text(const char* name, const std::string& otherwise) const {
  const auto* attribute = find(name);
  return attribute ? attribute->s() : otherwise;
}

std::vector<int64_t> Call::integers(const char* name, const std::vector<int64_t>& otherwise) const {
  const auto* attribute = find(name);
  if (!attribute) return otherwise;
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<float> Call::numbers(const char* name) const {
  const auto* attribute = find(name);
  if (!attribute) return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

Tensor Call::tensor(const char* name) const {
  const auto* attribute = find(name);
  require(attribute && attribute->has_t(), "its tensor '" + std::string(name) + "' is missing");
  return reader_.read(attribute->t());
}

std::vector<int64_t> Call::list(std::size_t i) const {
  const Tensor values = constant(i);
  require(values.numel() <= longest_list && !values.is_floating_point(),
          "its input " + std::to_string(i) + " must be a list of integers");
  const Tensor flat = values.to(at::kLong).contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

std::optional<std::vector<int64_t>> Call::integers(const char* name, std::size_t i) const {
  if (has(name)) return integers(name);
  if (!has(i)) return std::nullopt;
  return list(i);
}

double Call::number(const char* name, std::size_t i, double otherwise) const {
  if (has(name) || !has(i)) return number(name, otherwise);
  const Tensor value = constant(i);
  require(value.numel() == 1, "its input " + std::to_string(i) + " must be one number");
  return value.item<double>();
}

}  // namespace reluctance::onnx_import
