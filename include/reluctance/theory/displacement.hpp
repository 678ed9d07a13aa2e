// A perturbation of the image as a displacement of the weights (Cheng et al. 2022, theorem 6).
//
// In a fully connected layer that reads the image, DW = W delta x^T / ||x||^2 gives (W + DW) x = W
// (x + delta): the loss at the attacked image is the loss at the clean image with displaced
// weights. So inside a linear region the gradient in W at the attacked image is, to first order in
// delta,
//
//   g + H_WW DW + (dz/dh)^T s(x + delta) delta^T,
//
// g at the clean image: an attack lets the Hessian into every step, by ||H_WW DW|| / ||g||.
#pragma once

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// Whether a fully connected layer reads the input.
bool has_first_layer(const Network& network);

// The network itself if so; otherwise the same function with
// such a layer in front, whose weight is the identity and the first parameter.
Network with_first_layer(const Network& network);

// ||d(u . z)/dh||^2 for the output h of that layer: N. u: N x C.
Tensor hidden_squares(const Network& network, const Samples& samples, const Tensor& u);

struct Displacement {
  Tensor weight;    // DW, shaped as the first parameter
  Tensor gradient;  // the sum above, likewise
  double share;     // ||H_WW DW|| / ||g||
};

// Of one sample, an input of a network of with_first_layer; both in float64. delta: as the image.
Displacement displacement(const Network& network, const Samples& sample, const Tensor& delta,
                          const Loss& loss);

}  // namespace reluctance
