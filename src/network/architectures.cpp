#include "reluctance/network/architectures.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "reluctance/base/error.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

// Appends layers with fresh weights; node indices are for residual connections.
class Assembly {
 public:
  explicit Assembly(const ArchitectureOptions& options)
      : options_(options),
        network_(options.input_shape),
        generator_(make_generator(options.seed)) {}

  int last() const { return static_cast<int>(network_.nodes().size()) - 1; }

  const Shape& shape_at(int node) const {
    return node == Network::input ? network_.input_shape()
                                  : network_.nodes()[static_cast<std::size_t>(node)].shape;
  }

  int add(LayerPtr layer) { return network_.append(std::move(layer)); }

  // `gain` is 2 before a ReLU (He et al. 2015) and 1 where the output is used as it is.
  int linear(int64_t outputs, double gain = 2.0) {
    const Shape in = shape_at(last());
    if (in.size() != 1) add(reshape_layer({elements(in)}));
    return network_.append(linear_layer(), weights({outputs, elements(in)}, gain));
  }

  int convolution(int from, int64_t channels, int64_t kernel, int64_t stride, int64_t padding,
                  double gain = 2.0) {
    return network_.add(convolution_layer({{stride, stride}, {padding, padding}, {1, 1}, 1}),
                        {from}, weights({channels, shape_at(from)[0], kernel, kernel}, gain));
  }

  int relu() { return add(relu_layer()); }

  // Two convolutions, scaled before they are added to what they started from. The scale keeps the
  // variance of a deep stack bounded without batch normalisation, which would make one sample's
  // function depend on the others in its batch.
  void residual_block(int64_t channels, int64_t stride, double scale) {
    const int start = last();
    const bool same = stride == 1 && shape_at(start)[0] == channels;
    const int shortcut = same ? start : convolution(start, channels, 1, stride, 0, 1.0);
    convolution(start, channels, 3, stride, 1);
    relu();
    convolution(last(), channels, 3, 1, 1);
    const int branch =
        network_.append(affine_layer(), {at::full({}, scale), at::zeros({})}, /*trainable=*/false);
    network_.add(sum_layer(), {branch, shortcut});
    relu();
  }

  Network finish() {
    linear(options_.classes, 1.0);
    return std::move(network_);
  }

 private:
  Tensors weights(const Shape& shape, double gain) {
    const double fan_in = static_cast<double>(elements(shape)) / static_cast<double>(shape[0]);
    return {at::randn(shape, generator_) * std::sqrt(gain / fan_in), at::zeros({shape[0]})};
  }

  const ArchitectureOptions& options_;
  Network network_;
  at::Generator generator_;
};

void mlp(Assembly& build, const ArchitectureOptions& options) {
  for (int64_t width : options.hidden) {
    if (width < 1) throw Error("mlp: a hidden layer needs a positive width");
    build.linear(width);
    build.relu();
  }
}

// The small network of Wong and Kolter (2018), common in work on robustness.
void cnn(Assembly& build) {
  for (int64_t channels : {16, 32}) {
    build.convolution(build.last(), channels, 4, 2, 1);
    build.relu();
  }
  build.linear(100);
  build.relu();
}

// LeNet-5 (LeCun et al. 1998) with ReLU and max-pooling.
void lenet(Assembly& build, const ArchitectureOptions& options) {
  build.convolution(build.last(), 6, 5, 1, options.input_shape[1] < 32 ? 2 : 0);
  build.relu();
  build.add(max_pooling_layer({}));
  build.convolution(build.last(), 16, 5, 1, 0);
  build.relu();
  build.add(max_pooling_layer({}));
  for (int64_t width : {120, 84}) {
    build.linear(width);
    build.relu();
  }
}

// AlexNet (Krizhevsky et al. 2012) as usual for small images: first windows of 11 pixels four
// apart, pooling by two, and one linear layer.
void alexnet(Assembly& build, const ArchitectureOptions& options) {
  PoolingOptions pooling;
  pooling.ceil_mode = true;  // 28 x 28 images: 7, 4, 2, 1
  const int64_t width = options.width;
  build.convolution(build.last(), width, 11, 4, 5);
  build.relu();
  build.add(max_pooling_layer(pooling));
  build.convolution(build.last(), 3 * width, 5, 1, 2);
  build.relu();
  build.add(max_pooling_layer(pooling));
  for (int64_t factor : {6, 4, 4}) {
    build.convolution(build.last(), factor * width, 3, 1, 1);
    build.relu();
  }
  build.add(max_pooling_layer(pooling));
}

// Configuration A of Simonyan and Zisserman (2015) with one linear layer, as usual for small
// images.
void vgg11(Assembly& build, const ArchitectureOptions& options) {
  PoolingOptions pooling;
  pooling.ceil_mode = true;  // 28 x 28 images survive five halvings: 14, 7, 4, 2, 1
  const std::vector<std::vector<int64_t>> stages{{1}, {2}, {4, 4}, {8, 8}, {8, 8}};
  for (const auto& stage : stages) {
    for (int64_t factor : stage) {
      build.convolution(build.last(), factor * options.width, 3, 1, 1);
      build.relu();
    }
    build.add(max_pooling_layer(pooling));
  }
}

// ResNet-18 for small images (He et al. 2016) without batch normalisation.
void resnet18(Assembly& build, const ArchitectureOptions& options) {
  build.convolution(build.last(), options.width, 3, 1, 1);
  build.relu();
  const double scale = 1.0 / std::sqrt(8.0);  // eight blocks
  for (int64_t stage = 0; stage < 4; ++stage) {
    build.residual_block(options.width << stage, stage == 0 ? 1 : 2, scale);
    build.residual_block(options.width << stage, 1, scale);
  }
  build.add(mean_layer({1, 2}, false));
}

}  // namespace

const std::vector<std::string>& architecture_names() {
  static const std::vector<std::string> names{"linear",  "mlp",   "cnn",     "lenet",
                                              "alexnet", "vgg11", "resnet18"};
  return names;
}

Network make_network(const ArchitectureOptions& options) {
  const std::string& name = options.name;
  const std::vector<std::string>& known = architecture_names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw Error("unknown architecture '" + name + "'; choose one of " + listed(known, "or"));
  }
  if (options.classes < 2) throw Error(name + ": needs at least 2 classes");
  if (options.width < 1) throw Error(name + ": --width must be positive");
  const bool convolutional = name != "linear" && name != "mlp";
  if (convolutional && options.input_shape.size() != 3) {
    throw Error(name + ": takes images of channels x height x width, got samples of " +
                to_string(options.input_shape) + "; use --arch mlp or linear");
  }
  Assembly build(options);
  if (name == "mlp") {
    mlp(build, options);
  } else if (name == "cnn") {
    cnn(build);
  } else if (name == "lenet") {
    lenet(build, options);
  } else if (name == "alexnet") {
    alexnet(build, options);
  } else if (name == "vgg11") {
    vgg11(build, options);
  } else if (name == "resnet18") {
    resnet18(build, options);
  }
  return build.finish();
}

}  // namespace reluctance
