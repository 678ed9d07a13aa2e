// Max-pooling: its gates are the winners of its windows.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class MaxPooling final : public Layer {
 public:
  explicit MaxPooling(const PoolingOptions& options) : options_(options) {}

  const char* name() const override { return "MaxPool"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    return pooled_shape(*this, inputs[0], options_);
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor* gate) const override {
    auto [y, winners] =
        at::max_pool2d_with_indices(x[0], options_.kernel, options_.stride, options_.padding,
                                    options_.dilation, options_.ceil_mode);
    if (gate) *gate = winners;  // N x C x H x W positions in the flattened input plane
    return y;
  }

  // One winner a window cannot be exact between two inputs with different winners; those half-way
  // are off by the least.
  Tensor chord(const Tensors& xa, const Tensors& xb) const override {
    Tensor winners;
    apply({0.5 * (xa[0] + xb[0])}, {}, &winners);
    return winners;
  }

  Tensor linear(const Tensors& v, const Site& site) const override {
    const Tensor planes = by_copy(v[0], site.gate.size(0)).flatten(3);
    const Tensor y = planes.gather(3, winners(site, planes.size(0)));
    Shape shape(site.gate.sizes().begin(), site.gate.sizes().end());
    shape[0] = v[0].size(0);
    return y.view(shape);
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    const Shape& input = site.inputs[0];
    const int64_t samples = site.gate.size(0);
    const Tensor planes = by_copy(u, samples).flatten(3);
    const int64_t copies = planes.size(0);
    Tensor x = at::zeros({copies, samples, input[0], input[1] * input[2]}, u.options());
    x.scatter_add_(3, winners(site, copies), planes);
    return {x.view(batched(u.size(0), input))};
  }

  Tensor pattern(const Tensor& gate) const override { return gate; }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    std::vector<Operator> list{pooling_operator("MaxPool", options_)};
    list[0].attributes["dilations"] =
        std::vector<int64_t>(options_.dilation.begin(), options_.dilation.end());
    return list;
  }

 private:
  static Tensor winners(const Site& site, int64_t copies) {
    const Tensor flat = site.gate.flatten(2).unsqueeze(0);
    return flat.expand({copies, -1, -1, -1});
  }

  PoolingOptions options_;
};

}  // namespace

LayerPtr max_pooling_layer(const PoolingOptions& options) {
  return std::make_shared<MaxPooling>(options);
}

}  // namespace reluctance
