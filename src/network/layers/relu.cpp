// ReLU and LeakyReLU: the gates of the network.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Relu final : public Layer {
 public:
  explicit Relu(double slope) : slope_(slope) {}

  const char* name() const override { return slope_ == 0.0 ? "Relu" : "LeakyRelu"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    return inputs[0];
  }

  // The gate is a tensor whose positive entries are the open units. Unless the slope is negative
  // the output has the sign of the input and serves as its own gate.
  Tensor apply(const Tensors& x, const Tensors&, Tensor* gate) const override {
    if (slope_ < 0.0) {
      if (gate) *gate = x[0];
      return at::leaky_relu(x[0], slope_);
    }
    Tensor y = x[0];
    if (sole_owner(x[0])) {
      slope_ == 0.0 ? at::relu_(y) : at::leaky_relu_(y, slope_);
    } else {
      y = slope_ == 0.0 ? at::relu(y) : at::leaky_relu(y, slope_);
    }
    if (gate) *gate = y;
    return y;
  }

  // Mean slopes between the two inputs.
  Tensor chord(const Tensors& xa, const Tensors& xb) const override {
    const Tensor run = xb[0] - xa[0];
    const Tensor rise = at::leaky_relu(xb[0], slope_) - at::leaky_relu(xa[0], slope_);
    const Tensor slope_at_a = at::where(xa[0] > 0, at::ones_like(run), at::full_like(run, slope_));
    return at::where(run.abs() > 1e-12 * xa[0].abs(), rise / run, slope_at_a);
  }

  Tensor linear(const Tensors& v, const Site& site) const override { return masked(v[0], site); }

  Tensors transpose(const Tensor& u, const Site& site) const override { return {masked(u, site)}; }

  Tensor pattern(const Tensor& gate) const override { return gate.gt(0); }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    if (slope_ == 0.0) return {{"Relu", {}, {}}};
    return {{"LeakyRelu", {{"alpha", static_cast<float>(slope_)}}, {}}};
  }

 private:
  // The diagonal of slopes, the same for both directions.
  Tensor masked(const Tensor& v, const Site& site) const {
    const Tensor& gate = site.gate;
    const Tensor copies = v.size(0) == gate.size(0) ? v : by_copy(v, gate.size(0));
    if (site.chord) return at::mul(copies, gate).view(v.sizes());
    const Tensor result =
        slope_ == 0.0 ? at::threshold_backward(copies, gate, 0)
                      : at::leaky_relu_backward(copies, gate, slope_, /*self_is_result=*/false);
    return result.view(v.sizes());
  }

  double slope_;
};

}  // namespace

LayerPtr relu_layer(double slope) {
  require(slope < 1.0, "LeakyRelu", "its slope must be below 1, got " + std::to_string(slope));
  return std::make_shared<Relu>(slope);
}

}  // namespace reluctance
