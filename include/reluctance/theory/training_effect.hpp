// What a step of training on an attacked image does to the gradient of the outputs in the image
// (Cheng et al. 2022, theorems 3 to 5; here for any number of classes and any layer, exact inside
// the linear region).
//
// For a direction u in class space w = J^T u is the gradient of u . z in the image. A step of rate
// eta along G, the gradient of the loss in the parameters at x + delta, changes it by dw, and
//
//   T_u(delta) = w . dw / eta = -G(delta) . d/dtheta (w . J^T u)    with w held,
//
// to first order in eta: half the rate at which ||J^T u||^2 grows. Inside the region G(delta) is
// the gradient through the clean image's gates, with s(z + J delta) and the layers' inputs moved by
// delta. Parameters add up: their parts are told apart.
#pragma once

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// network and samples (inputs of it) in float64. delta: N x input shape. Each sample is trained on
// alone.

// u: N x C -> N x K, one column for each of the network's K parameters.
Tensor training_effects(const Network& network, const Samples& samples, const Tensor& delta,
                        const Tensor& u, const Loss& loss);

// G(delta) of each sample: N x P.
Tensor attacked_gradients(const Network& network, const Samples& samples, const Tensor& delta,
                          const Loss& loss);

}  // namespace reluctance
