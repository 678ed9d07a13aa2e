// Layers that only move values: reshape, transpose, pad.
#include <algorithm>
#include <numeric>

#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Reshape final : public Layer {
 public:
  explicit Reshape(Shape shape) : shape_(std::move(shape)) {}

  const char* name() const override { return "Reshape"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    require(elements(inputs[0]) == elements(shape_), name(),
            "cannot turn " + to_string(inputs[0]) + " into " + to_string(shape_));
    return shape_;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override {
    return x[0].reshape(batched(x[0].size(0), shape_));
  }

  Tensor linear(const Tensors& v, const Site&) const override {
    return v[0].reshape(batched(v[0].size(0), shape_));
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    return {u.reshape(batched(u.size(0), site.inputs[0]))};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    const Shape target = batched(-1, shape_);
    return {{"Reshape", {}, {at::tensor(target, at::kLong)}}};
  }

 private:
  Shape shape_;
};

class Transpose final : public Layer {
 public:
  explicit Transpose(std::vector<int64_t> permutation) : permutation_(std::move(permutation)) {
    std::vector<int64_t> sorted = permutation_;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int64_t> identity(sorted.size());
    std::iota(identity.begin(), identity.end(), 0);
    require(sorted == identity, name(), "its axes are no permutation");
    forward_ = {0};
    inverse_ = std::vector<int64_t>(permutation_.size() + 1, 0);
    for (int64_t axis : permutation_) {
      forward_.push_back(axis + 1);
      inverse_[static_cast<std::size_t>(axis + 1)] = static_cast<int64_t>(forward_.size()) - 1;
    }
  }

  const char* name() const override { return "Transpose"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    require_rank(*this, inputs[0], permutation_.size());
    Shape output;
    for (int64_t axis : permutation_) output.push_back(inputs[0][static_cast<std::size_t>(axis)]);
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override {
    return x[0].permute(forward_).contiguous();
  }

  Tensor linear(const Tensors& v, const Site&) const override {
    return v[0].permute(forward_).contiguous();
  }

  Tensors transpose(const Tensor& u, const Site&) const override {
    return {u.permute(inverse_).contiguous()};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    return {{"Transpose", {{"perm", forward_}}, {}}};
  }

 private:
  std::vector<int64_t> permutation_;
  std::vector<int64_t> forward_, inverse_;  // with the batch axis in front
};

class Pad final : public Layer {
 public:
  Pad(std::vector<int64_t> before, std::vector<int64_t> after, double value)
      : before_(std::move(before)), after_(std::move(after)), value_(value) {
    require(before_.size() == after_.size(), name(), "needs as many ends as starts");
    for (std::size_t axis = before_.size(); axis-- > 0;) {  // ATen lists the last axis first
      widths_.push_back(before_[axis]);
      widths_.push_back(after_[axis]);
    }
  }

  const char* name() const override { return "Pad"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    require_rank(*this, inputs[0], before_.size());
    Shape output = inputs[0];
    for (std::size_t axis = 0; axis < output.size(); ++axis) {
      require(before_[axis] >= 0 && after_[axis] >= 0, name(), "cropping is not supported");
      output[axis] += before_[axis] + after_[axis];
    }
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override {
    return at::constant_pad_nd(x[0], widths_, value_);
  }

  Tensor linear(const Tensors& v, const Site&) const override {
    return at::constant_pad_nd(v[0], widths_, 0);
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    Tensor inner = u;
    for (std::size_t axis = 0; axis < before_.size(); ++axis) {
      inner = inner.narrow(static_cast<int64_t>(axis) + 1, before_[axis], site.inputs[0][axis]);
    }
    return {inner.contiguous()};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    std::vector<int64_t> pads = batched(0, before_);
    const std::vector<int64_t> ends = batched(0, after_);
    pads.insert(pads.end(), ends.begin(), ends.end());
    return {{"Pad", {}, {at::tensor(pads, at::kLong), at::tensor(value_, at::kFloat)}}};
  }

 private:
  std::vector<int64_t> before_, after_;
  std::vector<int64_t> widths_;
  double value_;
};

}  // namespace

LayerPtr reshape_layer(Shape shape) { return std::make_shared<Reshape>(std::move(shape)); }

LayerPtr transpose_layer(std::vector<int64_t> permutation) {
  return std::make_shared<Transpose>(std::move(permutation));
}

LayerPtr pad_layer(std::vector<int64_t> before, std::vector<int64_t> after, double value) {
  return std::make_shared<Pad>(std::move(before), std::move(after), value);
}

}  // namespace reluctance
