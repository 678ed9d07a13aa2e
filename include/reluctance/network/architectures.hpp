// Built-in architectures, with weights drawn for a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance {

struct ArchitectureOptions {
  std::string name = "mlp";  // linear, mlp, cnn, lenet, alexnet, vgg11 or resnet18
  Shape input_shape{1, 28, 28};
  int64_t classes = 10;
  std::vector<int64_t> hidden{256, 256, 256};  // mlp: widths of the hidden layers
  int64_t width = 64;  // alexnet, vgg11, resnet18: channels of the first stage
  std::uint64_t seed = 0;
};

const std::vector<std::string>& architecture_names();

// A network in float32 with He-normal weights (He et al. 2015) and zero biases. The same seed gives
// the same weights. Throws Error for an unknown name or an input that the architecture cannot take.
Network make_network(const ArchitectureOptions& options);

}  // namespace reluctance
