// The parameter Hessian by double backward, power iteration, and gradients one sample at a time.
#pragma once

#include <cstdint>

#include "autograd/network.hpp"
#include "reluctance/curvature/operator.hpp"

namespace reluctance::autograd {

// H v of the mean loss: the gradient's graph is built once, each product is one more backward.
LinearOperator loss_hessian(const Model& network, const Tensor& images, const Tensor& labels);

// Eigenvalues of largest size, one after the other by power iteration, each kept orthogonal to
// those before it, as the usual tools do it: at most `most` products each, until the value changes
// by less than `tolerance` of itself.
Tensor power_iteration(const LinearOperator& matrix, int64_t count, int64_t most, double tolerance);

// Norm of each sample's gradient by one backward pass for each: N.
Tensor gradient_norms(const Model& network, const Tensor& images, const Tensor& labels);

// The gradient of the mean loss, as one vector.
Tensor mean_gradient(const Model& network, const Tensor& images, const Tensor& labels);

}  // namespace reluctance::autograd
