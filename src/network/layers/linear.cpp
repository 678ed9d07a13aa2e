// Fully connected layer.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class Linear final : public Layer {
 public:
  const char* name() const override { return "Gemm"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors& tensors) const override {
    require_inputs(*this, inputs, 1);
    require_rank(*this, inputs[0], 1);
    require(!tensors.empty() && tensors[0].dim() == 2 && fits_bias(tensors), name(),
            "needs a weight of out x in and a bias of out, or none");
    require(tensors[0].size(1) == inputs[0][0], name(),
            "its weight takes " + std::to_string(tensors[0].size(1)) + " inputs, got " +
                std::to_string(inputs[0][0]));
    return {tensors[0].size(0)};
  }

  Tensor apply(const Tensors& x, const Tensors& tensors, Tensor*) const override {
    const Tensor weight = tensors[0].t();
    return has_bias(tensors) ? at::addmm(tensors[1], x[0], weight) : at::mm(x[0], weight);
  }

  Tensor linear(const Tensors& v, const Site& site) const override {
    return at::mm(v[0], site.tensors[0].t());
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    return {at::mm(u, site.tensors[0])};
  }

  Tensors weights(const Tensor& x, const Tensor& u, const Site& site) const override {
    Tensors parts{at::mm(u.t(), x)};
    if (has_bias(site.tensors)) parts.push_back(u.sum(0));
    return parts;
  }

  // Each part is an outer product: ||u x^T||^2 = ||u||^2 ||x||^2.
  Tensor weight_norms(const Tensor& x, const Tensor& u, const Site& site) const override {
    return squared_norms(u) * (squared_norms(x) + (has_bias(site.tensors) ? 1 : 0));
  }

  std::vector<Operator> operators(const std::vector<Shape>&,
                                  const Tensors& tensors) const override {
    return {{"Gemm", {{"transB", int64_t{1}}}, tensors}};
  }
};

}  // namespace

LayerPtr linear_layer() { return std::make_shared<Linear>(); }

}  // namespace reluctance
