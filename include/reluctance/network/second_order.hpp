// How the passes of a network change along a direction of its parameters and its input.
//
// With the gates fixed the logits are multilinear in the input and the weights of each layer, so
// derivatives of any order need only the linear passes of the layers (Pearlmutter 1994), and
// everything that does not depend on the direction is computed once.
#pragma once

#include "reluctance/network/passes.hpp"

namespace reluctance {

// A direction; what is left empty is zero.
struct Direction {
  Tensors parameters;  // in Network::parameters order
  Tensor input;        // N x input shape
};

// N samples with all that their second derivatives need.
struct Primal {
  Pass pass;         // with inputs kept
  Tensors adjoints;  // d(sum_i u_i . z_i)/d(output) of the trainable nodes
};
Primal primal(const Network& network, Pass pass, const Tensor& u);

// The derivative of a forward pass.
struct Tangent {
  Direction direction;
  Tensor logits;   // N x C
  Tensors inputs;  // of the trainable nodes; undefined where it is zero
};
Tangent tangent(const Network& network, const Pass& pass, const Direction& direction);

// The derivative of `gradients(network, pass, u)` along a direction, whose tangent is given, when u
// itself changes by u_dot (N x C). What is not wanted stays empty.
enum class Wanted { parameters, input, both };
Gradients gradient_tangent(const Network& network, const Primal& primal, const Tangent& tangent,
                           const Tensor& u_dot, Wanted wanted);

// The second derivative of the logits along a direction of the parameters, whose tangent is given:
// N x C.
Tensor second_tangent(const Network& network, const Pass& pass, const Tangent& tangent);

// Squared norms of each sample's gradient u_i . dz_i/dtheta without the gradients themselves: N,
// float64. u: N x C; rows as small as float64 allows keep their digits.
Tensor squared_gradient_norms(const Network& network, const Pass& pass, const Tensor& u);

}  // namespace reluctance
