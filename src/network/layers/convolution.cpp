// Two-dimensional convolution.
#include "reluctance/network/layers.hpp"
#include "support.hpp"

namespace reluctance {
namespace {

// Below this many input channels the adjoint is faster as one matrix product per image whose
// columns are added up than through the kernel for wide layers (measured: 2.5 times for one
// channel).
constexpr int64_t few_channels = 4;

// Values of unfolded patches that fit a core's cache.
constexpr int64_t values_at_once = 1 << 18;

class Convolution final : public Layer {
 public:
  explicit Convolution(const ConvolutionOptions& options) : options_(options) {}

  const char* name() const override { return "Conv"; }

  Shape shape(const std::vector<Shape>& inputs, const Tensors& tensors) const override {
    require_inputs(*this, inputs, 1);
    require_rank(*this, inputs[0], 3);
    require(!tensors.empty() && tensors[0].dim() == 4 && fits_bias(tensors), name(),
            "needs a weight of out x in/groups x height x width and a bias of out, or none");
    const Tensor& weight = tensors[0];
    require(options_.groups > 0 && inputs[0][0] % options_.groups == 0 &&
                weight.size(1) == inputs[0][0] / options_.groups &&
                weight.size(0) % options_.groups == 0,
            name(),
            "a weight of " + to_string(Shape(weight.sizes().begin(), weight.sizes().end())) +
                " in " + std::to_string(options_.groups) + " groups does not fit " +
                std::to_string(inputs[0][0]) + " channels");
    Shape output{weight.size(0)};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      require(
          options_.stride[axis] > 0 && options_.dilation[axis] > 0 && options_.padding[axis] >= 0,
          name(), "strides and dilations must be positive, padding not negative");
      output.push_back(window_extent(
          inputs[0][axis + 1], weight.size(static_cast<int64_t>(axis) + 2), options_.stride[axis],
          options_.padding[axis], options_.dilation[axis], false));
    }
    require(elements(output) > 0, name(),
            "its kernel is larger than the input " + to_string(inputs[0]));
    return output;
  }

  Tensor apply(const Tensors& x, const Tensors& tensors, Tensor*) const override {
    return at::conv2d(x[0], tensors[0], has_bias(tensors) ? tensors[1] : Tensor(), options_.stride,
                      options_.padding, options_.dilation, options_.groups);
  }

  Tensor linear(const Tensors& v, const Site& site) const override {
    return at::conv2d(v[0], site.tensors[0], {}, options_.stride, options_.padding,
                      options_.dilation, options_.groups);
  }

  Tensors transpose(const Tensor& u, const Site& site) const override {
    const Tensor& weight = site.tensors[0];
    const Shape& input = site.inputs[0];
    const bool few = options_.groups == 1 && input[0] <= few_channels;
    if (few && !u.is_cpu()) {
      // Exact zeros where the gates are closed. cuDNN's deterministic kernels were seen to leave
      // rounding errors there, whose signs an attack would follow.
      return {at::col2im(at::matmul(weight.flatten(1).t(), u.flatten(2)), {input[1], input[2]},
                         {weight.size(2), weight.size(3)}, options_.dilation, options_.padding,
                         options_.stride)};
    }
    if (few) {
      // What the stride left over at the far edge.
      std::array<int64_t, 2> rest{};
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const auto a = static_cast<int64_t>(axis) + 2;
        rest[axis] = input[axis + 1] -
                     ((u.size(a) - 1) * options_.stride[axis] - 2 * options_.padding[axis] +
                      options_.dilation[axis] * (weight.size(a) - 1) + 1);
      }
      return {at::conv_transpose2d(u, weight, {}, options_.stride, options_.padding, rest, 1,
                                   options_.dilation)};
    }
    return {
        std::get<0>(backward(u, sizes_only(u, u.size(0), input), weight, {true, false, false}))};
  }

  Tensors weights(const Tensor& x, const Tensor& u, const Site& site) const override {
    const bool biased = has_bias(site.tensors);
    auto [input, weight, bias] = backward(u, x, site.tensors[0], {false, true, biased});
    return biased ? Tensors{weight, bias} : Tensors{weight};
  }

  // Each part is G = sum_l u_l x_l^T over positions l, x_l the patch of the input under the kernel.
  // ||G||^2 is either taken from G, or from the Gram matrices of the positions,
  // sum_{l,m} (u_l . u_m)(x_l . x_m), whichever takes fewer operations.
  Tensor weight_norms(const Tensor& x, const Tensor& u, const Site& site) const override {
    const Tensor& weight = site.tensors[0];
    const int64_t groups = options_.groups;
    const int64_t positions = u.size(2) * u.size(3);
    const int64_t outputs = u.size(1) / groups;
    const int64_t patch = weight[0].numel();
    const bool by_gram = positions * (patch + outputs) < patch * outputs;
    const int64_t few = std::max<int64_t>(1, values_at_once / (patch * groups * positions));
    Tensor norms = at::empty({x.size(0)}, x.options().dtype(at::kDouble));
    for (int64_t begin = 0; begin < x.size(0); begin += few) {
      const int64_t end = std::min(begin + few, x.size(0));
      const int64_t parts = (end - begin) * groups;
      const Tensor patches = at::im2col(x.slice(0, begin, end), {weight.size(2), weight.size(3)},
                                        options_.dilation, options_.padding, options_.stride)
                                 .view({parts, patch, positions});
      const Tensor outer = u.slice(0, begin, end).reshape({parts, outputs, positions});
      const Tensor squares = by_gram ? at::bmm(patches.transpose(1, 2), patches)
                                           .mul_(at::bmm(outer.transpose(1, 2), outer))
                                           .flatten(1)
                                           .sum(1, false, at::kDouble)
                                     : squared_norms(at::bmm(outer, patches.transpose(1, 2)));
      norms.slice(0, begin, end).copy_(squares.view({end - begin, groups}).sum(1));
    }
    return has_bias(site.tensors) ? norms + squared_norms(u.sum({2, 3})) : norms;
  }

  std::vector<Operator> operators(const std::vector<Shape>&,
                                  const Tensors& tensors) const override {
    const auto list = [](const std::array<int64_t, 2>& pair) {
      return std::vector<int64_t>(pair.begin(), pair.end());
    };
    std::vector<int64_t> pads = list(options_.padding);
    pads.insert(pads.end(), options_.padding.begin(), options_.padding.end());
    return {{"Conv",
             {{"strides", list(options_.stride)},
              {"pads", pads},
              {"dilations", list(options_.dilation)},
              {"group", options_.groups},
              {"kernel_shape", std::vector<int64_t>{tensors[0].size(2), tensors[0].size(3)}}},
             tensors}};
  }

 private:
  std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& u, const Tensor& x,
                                              const Tensor& weight,
                                              std::array<bool, 3> wanted) const {
    const std::array<int64_t, 1> bias_sizes{weight.size(0)};
    return at::convolution_backward(u, x, weight, at::OptionalIntArrayRef(bias_sizes),
                                    options_.stride, options_.padding, options_.dilation, false,
                                    {0, 0}, options_.groups, wanted);
  }

  ConvolutionOptions options_;
};

}  // namespace

LayerPtr convolution_layer(const ConvolutionOptions& options) {
  return std::make_shared<Convolution>(options);
}

}  // namespace reluctance
