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

  // The winners at both inputs, i and j, and the weight of j at which the map is exact, in [0, 1]:
  // the output changes by xb[j] - xa[i], between the changes of xi and xj. Stacked along a last
  // axis of three, in float64.
  Tensor chord(const Tensors& xa, const Tensors& xb) const override {
    Tensor i, j;
    apply(xa, {}, &i);
    apply(xb, {}, &j);
    const Tensor plane_a = xa[0].flatten(2);
    const Tensor plane_b = xb[0].flatten(2);
    const auto at_winners = [](const Tensor& plane, const Tensor& winners) {
      return plane.gather(2, winners.flatten(2)).view(winners.sizes());
    };
    const Tensor better = at_winners(plane_b, j) - at_winners(plane_b, i);
    const Tensor worse = at_winners(plane_a, i) - at_winners(plane_a, j);
    const Tensor both = better + worse;
    const Tensor weight = at::where(both > 0, better / both, at::zeros_like(both));
    return at::stack({i.to(at::kDouble), j.to(at::kDouble), weight.to(at::kDouble)}, -1);
  }

  Tensor linear(const Tensors& v, const Site& site) const override {
    const Tensor planes = by_copy(v[0], site.gate.size(0)).flatten(3);
    const Shape output{v[0].size(0), site.gate.size(1), site.gate.size(2), site.gate.size(3)};
    Tensor y;
    for (const Winner& each : winners(site, planes)) {
      const Tensor part = planes.gather(3, each.place);
      const Tensor weighted = each.weight.defined() ? each.weight * part : part;
      y = y.defined() ? y + weighted : weighted;
    }
    return y.view(output);
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    const Shape& input = site.inputs[0];
    const int64_t samples = site.gate.size(0);
    const Tensor planes = by_copy(u, samples).flatten(3);
    const int64_t copies = planes.size(0);
    Tensor x = at::zeros({copies, samples, input[0], input[1] * input[2]}, u.options());
    for (const Winner& each : winners(site, planes)) {
      x.scatter_add_(3, each.place, each.weight.defined() ? each.weight * planes : planes);
    }
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
  // K x N x C x HW positions in the flattened input plane, and 1 x N x C x HW; no weight: one.
  struct Winner {
    Tensor place, weight;
  };

  static std::vector<Winner> winners(const Site& site, const Tensor& planes) {
    const auto places = [&](const Tensor& all) {
      return all.to(at::kLong).flatten(2).unsqueeze(0).expand({planes.size(0), -1, -1, -1});
    };
    if (!site.chord) return {{places(site.gate), {}}};
    const Tensor later = site.gate.select(-1, 2).flatten(2).unsqueeze(0).to(planes.options());
    return {{places(site.gate.select(-1, 0)), 1 - later}, {places(site.gate.select(-1, 1)), later}};
  }

  PoolingOptions options_;
};

}  // namespace

LayerPtr max_pooling_layer(const PoolingOptions& options) {
  return std::make_shared<MaxPooling>(options);
}

}  // namespace reluctance
