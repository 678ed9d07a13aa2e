// A perturbation of the image as a displacement of the weights (Cheng et al. 2022, theorem 6).
//
// In a fully connected layer h = W x that reads the image, DW = W delta x^T / ||x||^2 gives (W +
// DW) x = W (x + delta): the loss at the attacked image is the loss at the clean image with
// displaced weights. With A = dz/dh, inside a linear region the gradient in W at the attacked image
// is, to first order in delta,
//
//   g + H_WW DW + A^T s(x + delta) delta^T,   g = A^T s x^T,   H_WW DW = A^T H_z J delta x^T,
//
// s at the clean image: an attack lets the Hessian into every step, by ||H_WW DW|| / ||g||. Where
// no such layer reads the image, one of the identity is thought in front: h = x, A = J. All of it
// has rank two, so no matrix of the size of W is made.
#pragma once

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// Whether a fully connected layer, whose weight is the first parameter and nobody else's, is all
// that reads the input.
bool has_first_layer(const Network& network);

// A^T u: N x D, D the size of h. network and samples (inputs of it) in float64. u: N x C.
Tensor hidden_gradients(const Network& network, const Samples& samples, const Tensor& u);

// The sum above as clean x^T + moved delta^T. N samples.
struct Displacement {
  Tensor clean;  // N x D: A^T s + A^T H_z J delta
  Tensor moved;  // N x D: A^T s(x + delta)
  Tensor share;  // N: ||H_WW DW|| / ||g||; NaN where the gradient vanishes
};

// delta: N x input shape; the rest as above.
Displacement displacement(const Network& network, const Samples& samples, const Tensor& delta,
                          const Loss& loss);

}  // namespace reluctance
