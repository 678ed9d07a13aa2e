// Average pooling over windows, and means over whole axes.
#include <algorithm>

#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

class AveragePooling final : public Layer {
 public:
  explicit AveragePooling(const PoolingOptions& options) : options_(options) {}

  const char* name() const override { return "AveragePool"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    return pooled_shape(*this, inputs[0], options_);
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override { return pool(x[0]); }

  Tensor linear(const Tensors& v, const Site&) const override { return pool(v[0]); }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    return {at::avg_pool2d_backward(u, sizes_only(u, u.size(0), site.inputs[0]), options_.kernel,
                                    options_.stride, options_.padding, options_.ceil_mode,
                                    options_.count_include_pad, {})};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    std::vector<Operator> list{pooling_operator("AveragePool", options_)};
    list[0].attributes["count_include_pad"] = int64_t{options_.count_include_pad};
    return list;
  }

 private:
  Tensor pool(const Tensor& x) const {
    return at::avg_pool2d(x, options_.kernel, options_.stride, options_.padding, options_.ceil_mode,
                          options_.count_include_pad);
  }

  PoolingOptions options_;
};

class Mean final : public Layer {
 public:
  Mean(std::vector<int64_t> axes, bool keep) : axes_(std::move(axes)), keep_(keep) {
    std::sort(axes_.begin(), axes_.end());
  }

  const char* name() const override { return "ReduceMean"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors&) const override {
    require_inputs(*this, inputs, 1);
    Shape output;
    for (int64_t axis = 0; axis < static_cast<int64_t>(inputs[0].size()); ++axis) {
      const bool reduced = std::binary_search(axes_.begin(), axes_.end(), axis);
      if (!reduced) output.push_back(inputs[0][static_cast<std::size_t>(axis)]);
      if (reduced && keep_) output.push_back(1);
    }
    require(axes_.empty() ||
                (axes_.front() >= 0 && axes_.back() < static_cast<int64_t>(inputs[0].size())),
            name(), "an axis is outside of " + to_string(inputs[0]));
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors&, Tensor*) const override { return mean(x[0]); }

  Tensor linear(const Tensors& v, const Site&) const override { return mean(v[0]); }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    Shape kept = batched(u.size(0), site.inputs[0]);
    int64_t count = 1;
    for (int64_t axis : batch_axes()) {
      count *= kept[static_cast<std::size_t>(axis)];
      kept[static_cast<std::size_t>(axis)] = 1;
    }
    const Tensor spread = (u / static_cast<double>(count)).reshape(kept);
    return {spread.expand(batched(u.size(0), site.inputs[0])).contiguous()};
  }

  std::vector<Operator> operators(const std::vector<Shape>&, const Tensors&) const override {
    return {{"ReduceMean", {{"axes", batch_axes()}, {"keepdims", int64_t{keep_}}}, {}}};
  }

 private:
  std::vector<int64_t> batch_axes() const {
    std::vector<int64_t> axes = axes_;
    for (int64_t& axis : axes) ++axis;
    return axes;
  }

  Tensor mean(const Tensor& x) const { return x.mean(batch_axes(), keep_); }

  std::vector<int64_t> axes_;
  bool keep_;
};

}  // namespace

LayerPtr average_pooling_layer(const PoolingOptions& options) {
  return std::make_shared<AveragePooling>(options);
}

LayerPtr mean_layer(std::vector<int64_t> axes, bool keep) {
  return std::make_shared<Mean>(std::move(axes), keep);
}

}  // namespace reluctance
