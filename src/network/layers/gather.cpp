// Picks entries along an axis, any number of times each.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Gather final : public Layer {
 public:
  Gather(int64_t axis, std::vector<int64_t> indices)
      : axis_(axis), indices_(at::tensor(indices, at::kLong)) {}

  const char* name() const override { return "Gather"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    Shape output = inputs[0];
    require(axis_ >= 0 && axis_ < static_cast<int64_t>(output.size()), name(),
            "its axis is outside of " + to_string(output));
    int64_t& extent = output[static_cast<std::size_t>(axis_)];
    require(indices_.ge(0).logical_and(indices_.lt(extent)).all().item<bool>(), name(),
            "its indices are outside of " + to_string(inputs[0]));
    extent = indices_.numel();
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override { return pick(x[0]); }

  Tensor linear(const Tensors& v, const Site&) const override { return pick(v[0]); }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    const Tensor x = at::zeros(batched(u.size(0), site.inputs[0]), u.options());
    return {x.index_add(axis_ + 1, indices_.to(u.device()), u)};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    return {{"Gather", {{"axis", axis_ + 1}}, {indices_}}};
  }

 private:
  Tensor pick(const Tensor& x) const { return x.index_select(axis_ + 1, indices_.to(x.device())); }

  int64_t axis_;
  Tensor indices_;
};

}  // namespace

LayerPtr gather_layer(int64_t axis, const std::vector<int64_t>& indices) {
  return std::make_shared<Gather>(axis, indices);
}

}  // namespace reluctance
