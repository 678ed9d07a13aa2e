// The mlp and the cnn as plain LibTorch functions that autograd differentiates.
#pragma once

#include "reluctance/network/network.hpp"

namespace reluctance::autograd {

class Model {
 public:
  // Copies the weights of a network that make_network built as "mlp" or "cnn".
  explicit Model(const Network& network);

  // x: N x 1 x 28 x 28 -> N x C.
  Tensor logits(const Tensor& x) const;

  // Weight and bias of each layer.
  Tensors& parameters() { return parameters_; }

 private:
  Tensors parameters_;
};

// The gradient of the summed cross-entropy with respect to x alone.
Tensor input_gradient(const Model& network, const Tensor& x, const Tensor& labels);

}  // namespace reluctance::autograd
