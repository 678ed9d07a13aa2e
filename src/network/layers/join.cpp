// Layers of several inputs: residual sums and concatenation.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Sum final : public Layer {
 public:
  const char* name() const override { return "Add"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 2);
    require(inputs[0] == inputs[1], name(),
            "cannot add " + to_string(inputs[0]) + " and " + to_string(inputs[1]));
    return inputs[0];
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override { return x[0] + x[1]; }

  Tensor linear(const Tensors& v, const Site&) const override { return v[0] + v[1]; }

  Tensors transpose(const Tensor& u, const Site&) const override { return {u, u}; }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    return {{"Add", {}, {}}};
  }
};

class Concat final : public Layer {
 public:
  explicit Concat(int64_t axis) : axis_(axis) {}

  const char* name() const override { return "Concat"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    const auto axis = static_cast<std::size_t>(axis_);
    require(!inputs.empty() && axis < inputs[0].size(), name(), "its axis is outside of its input");
    Shape output = inputs[0];
    output[axis] = 0;
    for (const Shape& input : inputs) {
      Shape rest = input;
      if (axis < rest.size()) rest[axis] = output[axis];
      require(rest == output, name(),
              "cannot join " + to_string(inputs[0]) + " and " + to_string(input));
      output[axis] += input[axis];
    }
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override {
    return at::cat(x, axis_ + 1);
  }

  Tensor linear(const Tensors& v, const Site&) const override { return at::cat(v, axis_ + 1); }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    Tensors parts;
    int64_t begin = 0;
    for (const Shape& input : site.inputs) {
      const int64_t extent = input[static_cast<std::size_t>(axis_)];
      parts.push_back(u.narrow(axis_ + 1, begin, extent).contiguous());
      begin += extent;
    }
    return parts;
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    return {{"Concat", {{"axis", axis_ + 1}}, {}}};
  }

 private:
  int64_t axis_;
};

}  // namespace

LayerPtr sum_layer() { return std::make_shared<Sum>(); }

LayerPtr concat_layer(int64_t axis) { return std::make_shared<Concat>(axis); }

}  // namespace reluctance
