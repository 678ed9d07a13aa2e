#include "reluctance/network/normalisation.hpp"

#include <ATen/ATen.h>

#include <string>

#include "reluctance/base/error.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

// The numbers shaped to go with samples of `input`.
Tensor by_channel(const std::vector<double>& numbers, double otherwise, const Shape& input,
                  const char* what) {
  if (numbers.empty()) return at::full({1}, otherwise, at::kDouble);
  const Tensor values = at::tensor(numbers, at::kDouble);
  const auto count = static_cast<int64_t>(numbers.size());
  if (count == 1) return values;
  if (input.size() == 3 && input.front() == count) return values.view({count, 1, 1});
  if (input.size() == 3 && input.back() == count) return values.view({1, 1, count});
  throw Error(std::string(what) + " has " + std::to_string(count) +
              " numbers, but the network takes samples of " + to_string(input) +
              "; give one number, or one for each channel");
}

}  // namespace

Network normalised(const Network& network, const Normalisation& normalisation) {
  const Shape& input = network.input_shape();
  const Tensor std = by_channel(normalisation.std, 1, input, "std");
  if (!std.gt(0).all().item<bool>()) throw Error("std must be above zero");
  const Tensor scale = std.reciprocal();
  const Tensor shift = -by_channel(normalisation.mean, 0, input, "mean") * scale;
  Network result(input);
  result.append(affine_layer(), {scale.to(network.dtype()), shift.to(network.dtype())}, false);
  for (const Node& node : network.nodes()) {
    std::vector<int> inputs = node.inputs;
    for (int& each : inputs) ++each;  // the network's input becomes the new layer, node 0
    result.add(node.layer, inputs, node.tensors, node.trainable);
  }
  return result;
}

}  // namespace reluctance
