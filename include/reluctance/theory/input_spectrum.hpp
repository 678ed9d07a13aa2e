// The whole nonzero spectrum of the Hessian of the loss with respect to the input.
//
// H_x = J^T H_z J with H_z = B B^T, so the C x C matrix M = B^T K B has the nonzero eigenvalues of
// H_x, and M u_i = lambda_i u_i gives the eigenvector v_i = J^T B u_i / sqrt(lambda_i). No
// iteration and no second derivative: C vector-Jacobian products whatever the number of pixels.
#pragma once

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

// R = C-1 for cross-entropy, whose logit Hessian has no more; C for squared error.
struct InputSpectrum {
  Tensor eigenvalues;  // lambda: N x R, descending, not negative, float64
  Tensor directions;   // N x C x R: column i holds the coefficients a_i with v_i = J^T a_i; zero
                       // where lambda_i vanishes
  Tensor gradient;     // gamma: N x R, components v_i . g of the input gradient g
};

InputSpectrum input_spectrum(const LinearRegion& region);

// Components v_i . w of any input-space vectors w (N x input shape): N x R, float64.
Tensor components(const Network& network, const LinearRegion& region, const InputSpectrum& spectrum,
                  const Tensor& w);

}  // namespace reluctance
