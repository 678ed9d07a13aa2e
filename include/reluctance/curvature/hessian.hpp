// The Hessian and the Gauss-Newton matrix of the mean loss with respect to the parameters.
//
// With the gates fixed, and the gates are constant almost everywhere,
//
//   H_tt = (1/N) sum_i J_i^T H_z J_i + sum_k s_k d^2 z_k / dtheta^2,
//
// whose first part is the Gauss-Newton matrix (J_i = dz_i/dtheta). A product costs six products
// with the weights of each layer (Gauss-Newton: four), without a tape.
#pragma once

#include "reluctance/curvature/operator.hpp"
#include "reluctance/curvature/samples.hpp"

namespace reluctance {

LinearOperator loss_hessian(CurvatureSamplesPtr samples);
LinearOperator gauss_newton(CurvatureSamplesPtr samples);

// The change of the summed loss's gradients along a direction of parameters, input or both.
Gradients hessian_vector(const CurvatureSamples& samples, const CurvatureSamples::Piece& piece,
                         const Direction& direction, Wanted wanted);

// v^T H_i v for each sample's own Hessian H_i, whose mean is H_tt: N, float64.
Tensor sample_curvatures(const CurvatureSamples& samples, const Tensor& v);

// The same for the Gauss-Newton matrix.
Tensor sample_gauss_newton(const CurvatureSamples& samples, const Tensor& v);

// The gradient of the mean loss as one vector.
Tensor loss_gradient(const CurvatureSamples& samples);

}  // namespace reluctance
