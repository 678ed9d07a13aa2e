// Trainable scale and shift of each channel, written as a normalisation whose statistics do
// nothing.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class ChannelAffine final : public Layer {
 public:
  const char* name() const override { return "BatchNormalization"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors& tensors) const override {
    require_inputs(*this, inputs, 1);
    require(!inputs[0].empty() && tensors.size() == 2 &&
                tensors[0].sizes() == at::IntArrayRef(inputs[0].data(), 1) &&
                tensors[1].sizes() == tensors[0].sizes(),
            name(),
            "needs a scale and a shift for each channel of samples of " + to_string(inputs[0]));
    return inputs[0];
  }

  Tensor apply(const Tensors& x, const Tensors& tensors, Tensor*) const override {
    return at::mul(x[0], by_channel(tensors[0], x[0])).add_(by_channel(tensors[1], x[0]));
  }

  Tensor linear(const Tensors& v, const Site& site) const override { return scaled(v[0], site); }

  Tensors transpose(const Tensor& u, const Site& site) const override { return {scaled(u, site)}; }

  Tensors weights(const Tensor& x, const Tensor& u, const Site&) const override {
    return {channel_sums(at::mul(x, u)).sum(0), channel_sums(u).sum(0)};
  }

  Tensor weight_norms(const Tensor& x, const Tensor& u, const Site&) const override {
    return squared_norms(channel_sums(at::mul(x, u))) + squared_norms(channel_sums(u));
  }

  std::vector<Operator> operators(const std::vector<Shape>&,
                                  const Tensors& tensors) const override {
    // variance + epsilon is 1 exactly; PyTorch 2.10 and old versions of cuDNN take no epsilon of
    // zero.
    const Tensor mean = at::zeros_like(tensors[0]), variance = at::full_like(tensors[0], 0.5);
    return {{"BatchNormalization", {{"epsilon", 0.5f}}, {tensors[0], tensors[1], mean, variance}}};
  }

 private:
  // C numbers, lined up with the channels of N x C x ...
  static Tensor by_channel(const Tensor& numbers, const Tensor& x) {
    Shape shape(static_cast<std::size_t>(x.dim() - 1), 1);
    shape[0] = numbers.size(0);
    return numbers.view(shape);
  }

  // The same in both directions.
  static Tensor scaled(const Tensor& v, const Site& site) {
    return at::mul(v, by_channel(site.tensors[0], v));
  }

  // N x C x ... -> N x C.
  static Tensor channel_sums(const Tensor& x) { return x.dim() > 2 ? x.flatten(2).sum(2) : x; }
};

}  // namespace

LayerPtr channel_affine_layer() { return std::make_shared<ChannelAffine>(); }

}  // namespace reluctance
