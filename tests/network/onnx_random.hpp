// Random stacks of every kind of layer with random settings, for the tests of the ONNX module. No
// axis has extent 1, along which a transposition is read back as a reshape.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "network/random_networks.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

class RandomStack {
 public:
  explicit RandomStack(unsigned seed)
      : random_(seed), network_({pick(2, 3), pick(8, 12), pick(8, 12)}) {
    at::manual_seed(seed);
  }

  Network network() {
    const std::vector<std::function<void()>> layers{
        [&] { convolve(); },  [&] { pool(); },        [&] { scale(); },     [&] { gate(); },
        [&] { pad(); },       [&] { gather(); },      [&] { transpose(); }, [&] { add(); },
        [&] { normalise(); }, [&] { concatenate(); },
    };
    for (int i = 0; i < 9; ++i) layers[static_cast<std::size_t>(pick(0, 9))]();
    const int64_t axis = pick(0, 2);
    network_.append(mean_layer({axis}, pick(0, 1) == 0));
    network_.append(reshape_layer({elements(network_.output_shape())}));
    network_.append(linear_layer(), weights({5, elements(network_.output_shape())}));
    return network_;
  }

 private:
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  int last() const { return static_cast<int>(network_.nodes().size()) - 1; }
  const Shape& shape() const { return network_.output_shape(); }
  Tensors weights(const Shape& shape) const {
    return {at::randn(shape) * 0.5, at::randn({shape[0]})};
  }

  bool is_small() const { return shape()[1] < 5 || shape()[2] < 5; }

  void convolve() {
    if (is_small()) return gate();
    ConvolutionOptions options;
    options.stride = {pick(1, 2), 1};
    options.padding = {pick(1, 2), pick(1, 2)};
    options.dilation = {1, pick(1, 2)};
    options.groups = pick(0, 1) == 0 ? shape()[0] : 1;
    const int64_t channels = options.groups == 1 ? pick(2, 5) : shape()[0];
    network_.append(convolution_layer(options),
                    weights({channels, shape()[0] / options.groups, 3, 3}));
  }

  void pool() {
    if (is_small()) return gate();
    PoolingOptions options;
    options.kernel = {2, 3};
    options.stride = {1, pick(1, 2)};
    options.padding = {1, 1};
    options.ceil_mode = pick(0, 1) == 0;
    options.count_include_pad = pick(0, 1) == 0;
    network_.append(pick(0, 1) == 0 ? max_pooling_layer(options) : average_pooling_layer(options));
  }

  // Alone, an affine layer is one of a kind; two in a row could be written as one.
  void scale() {
    const Shape channels{shape()[0], 1, 1};
    network_.append(affine_layer(), {at::randn(channels), at::randn(channels)}, false);
    gate();
  }

  void normalise() {
    network_.append(channel_affine_layer(), {at::randn({shape()[0]}), at::randn({shape()[0]})});
  }

  void gate() { network_.append(relu_layer(static_cast<float>(pick(-1, 1)) / 4)); }

  void pad() { network_.append(pad_layer({0, pick(0, 1), 1}, {pick(0, 1), 0, 1}, 0.5)); }

  void gather() {
    const int64_t axis = pick(0, 2);
    const int64_t extent = shape()[static_cast<std::size_t>(axis)];
    network_.append(gather_layer(axis, {extent - 1, 0, extent / 2, 0}));
  }

  void transpose() {
    network_.append(transpose_layer(pick(0, 1) == 0 ? std::vector<int64_t>{2, 1, 0}
                                                    : std::vector<int64_t>{1, 2, 0}));
  }

  void add() {
    const int from = last();
    network_.append(relu_layer());
    network_.add(sum_layer(), {last(), from});
  }

  void concatenate() {
    const int from = last();
    network_.append(relu_layer());
    network_.add(concat_layer(pick(0, 2)), {from, last(), from});
  }

  std::mt19937 random_;
  Network network_;
};

inline Network random_stack(unsigned seed) { return RandomStack(seed).network(); }

// networks_in_double() and forty random stacks, in the type.
inline std::vector<NamedNetwork> networks_and_stacks(at::ScalarType type) {
  std::vector<NamedNetwork> list = networks_in_double();
  for (unsigned seed = 0; seed < 40; ++seed) {
    list.push_back({"stack " + std::to_string(seed), random_stack(seed)});
  }
  for (auto& [name, network] : list) network = network.to(type);
  return list;
}

}  // namespace reluctance
