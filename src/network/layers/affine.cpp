// Elementwise scale and shift by constants.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Affine final : public Layer {
 public:
  const char* name() const override { return "Mul"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors& tensors) const override {
    require_inputs(*this, inputs, 1);
    require(tensors.size() == 2, name(), "needs a scale and a shift");
    for (const Tensor& constant : tensors) {
      const auto rank = static_cast<std::size_t>(constant.dim());
      bool fits = rank <= inputs[0].size();
      for (std::size_t axis = 0; fits && axis < rank; ++axis) {
        const int64_t extent = constant.size(static_cast<int64_t>(axis));
        fits = extent == 1 || extent == inputs[0][inputs[0].size() - rank + axis];
      }
      require(fits, name(),
              "a constant of " +
                  to_string(Shape(constant.sizes().begin(), constant.sizes().end())) +
                  " does not fit samples of " + to_string(inputs[0]));
    }
    return inputs[0];
  }

  Tensor apply(const Tensors& x, const Tensors& tensors, Tensor*) const override {
    return at::mul(x[0], tensors[0]).add_(tensors[1]);
  }

  Tensor linear(const Tensors& v, const Site& site) const override {
    return at::mul(v[0], site.tensors[0]);
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    return {at::mul(u, site.tensors[0])};
  }

  std::vector<Operator> operators(const std::vector<Shape>&,
                                  const Tensors& tensors) const override {
    return {{"Mul", {}, {tensors[0]}}, {"Add", {}, {tensors[1]}}};
  }
};

}  // namespace

LayerPtr affine_layer() { return std::make_shared<Affine>(); }

}  // namespace reluctance
