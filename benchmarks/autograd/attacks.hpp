// Attacks whose gradients autograd takes.
#pragma once

#include "autograd/network.hpp"

namespace reluctance::autograd {

// Steps along the sign of the gradient, kept in the L-infinity ball and in the pixel box.
Tensor pgd_linf(const Model& network, const Tensor& images, const Tensor& labels, double radius,
                double step_size, int64_t steps);

// Plain gradient ascent of `steps` steps of size beta / steps -> the perturbation. It is added up
// by itself, since single steps are below the rounding of the pixels.
Tensor raw_attack(const Model& network, const Tensor& images, const Tensor& labels, double beta,
                  int64_t steps);

}  // namespace reluctance::autograd
