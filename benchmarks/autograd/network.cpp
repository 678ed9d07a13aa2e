#include "autograd/network.hpp"

#include <ATen/ATen.h>
#include <ATen/core/Reduction.h>
#include <torch/csrc/autograd/autograd.h>

namespace reluctance::autograd {

Model::Model(const Network& network) {
  for (const Tensor& parameter : network.parameters()) parameters_.push_back(parameter.clone());
}

Tensor Model::logits(const Tensor& x) const {
  Tensor y = x;
  for (std::size_t k = 0; k < parameters_.size(); k += 2) {
    const Tensor& weight = parameters_[k];
    const Tensor& bias = parameters_[k + 1];
    if (weight.dim() == 4) {
      y = at::conv2d(y, weight, bias, /*stride=*/2, /*padding=*/1);
    } else {
      y = at::linear(y.flatten(1), weight, bias);
    }
    if (k + 2 < parameters_.size()) y = at::relu(y);
  }
  return y;
}

Tensor input_gradient(const Model& network, const Tensor& x, const Tensor& labels) {
  const Tensor leaf = x.detach().requires_grad_();
  const Tensor loss = at::cross_entropy_loss(network.logits(leaf), labels, {}, at::Reduction::Sum);
  return torch::autograd::grad({loss}, {leaf})[0];
}

}  // namespace reluctance::autograd
