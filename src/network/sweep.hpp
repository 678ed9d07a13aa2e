// The reverse sweep behind all gradients of a network.
#pragma once

#include <functional>

#include "reluctance/network/second_order.hpp"

namespace reluctance {

struct SweepOptions {
  bool want_input = false;
  bool want_parameters = false;
  // Called for every trainable node with the adjoint of its output, in place of the gradient of its
  // parameters.
  std::function<void(std::size_t node, const Tensor& adjoint)> visit;
  // Set together: the sweep gives the derivative of a first sweep, whose adjoints are `primal`,
  // along the tangent's direction.
  const Primal* primal = nullptr;
  const Tangent* tangent = nullptr;
};

// What belongs to a node of one tensor for each parameter, or nothing if there are none.
Tensors parameters_of(const Node& node, const Tensors& all);

// From u at the logits (N x C) back to the parameters and the input.
Gradients sweep(const Network& network, const Pass& pass, const Tensor& u,
                const SweepOptions& options);

}  // namespace reluctance
