// The network on the linear region of each sample, seen from class space.
//
// With its gates fixed the network is affine, z(x + delta) = z + J delta. An attack that follows
// gradients moves in the range of J^T, delta = J^T c, so everything about it can be computed with C
// numbers c per sample and the C x C matrix K = J J^T.
#pragma once

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

// The pass is where the network is. All else, here and in what is computed from it, is on the CPU.
struct LinearRegion {
  Pass pass;      // the network at the samples, with their gates
  Tensor labels;  // N
  Loss loss;
  Tensor logits;  // z: N x C, float64
  Tensor gram;    // K: N x C x C, float64. For a loss that ignores a common shift of the logits the
                  // rows of J are centred over the classes first: the coefficients c of an attack
                  // sum to zero then, so no result changes, but less is cancelled.

  int64_t count() const { return logits.size(0); }
  int64_t classes() const { return logits.size(1); }
  // Nonzero eigenvalues that the input Hessian may have.
  int64_t rank() const { return loss.ignores_shift ? classes() - 1 : classes(); }
  Tensor logit_gradient() const { return loss.gradient(logits, labels); }  // s: N x C
};

// One forward pass and one vector-Jacobian product for each class, all in one batch. samples:
// inputs of the network. Throws Error for a loss that the theory does not know.
LinearRegion linear_region(const Network& network, const Samples& samples,
                           const Loss& loss = cross_entropy_loss());

// The same for an affine map that is known already.
LinearRegion linear_region(const Network& network, Pass pass, const Tensor& labels,
                           const Loss& loss);

// delta = J^T c. coefficients: N x C, float64 -> N x input shape, float64. Costs one
// vector-Jacobian product. Coefficients may be as large as float64 allows, whatever the network's
// dtype.
Tensor perturbation(const Network& network, const LinearRegion& region, const Tensor& coefficients);

}  // namespace reluctance
