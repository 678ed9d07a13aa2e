// The eigenvalues of the input Hessian in the three ways that autograd offers.
#pragma once

#include "autograd/network.hpp"

namespace reluctance::autograd {

// Every function returns the C-1 largest eigenvalues of each sample, descending: N x (C-1).

// The dense Hessians, one row of all samples per double backward, and their eigenvalues.
Tensor dense_spectrum(const Model& network, const Tensor& x, const Tensor& labels);

// Lanczos with full reorthogonalisation on Hessian-vector products by double backward; one double
// backward serves all samples. Stops when every wanted Ritz value has a residual of at most
// `tolerance` times the largest one.
Tensor lanczos_spectrum(const Model& network, const Tensor& x, const Tensor& labels,
                        double tolerance);

// The same insight as the library's, J^T H_z J, with the Jacobian by one backward per class.
Tensor jacobian_spectrum(const Model& network, const Tensor& x);

}  // namespace reluctance::autograd
