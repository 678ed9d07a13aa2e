// The loss through one scalar, as Cheng et al. (2022) take it where there are many classes (their
// assumption 2): the margin z = z_k - z_label of the strongest other class k, with loss log(1 +
// exp(z)). Its derivatives in z are g_z = p and H_z = p (1 - p), p the probability of the wrong one
// of the two classes, so H_x = H_z (dz/dx) (dz/dx)^T has rank one, perturbations are parallel to
// dz/dx, and H_z > g_z^2 exactly as long as p < 1/2 (lemma 1).
#pragma once

#include "reluctance/theory/linear_region.hpp"

namespace reluctance {

struct ScalarReduction {
  Tensor direction;  // e_k - e_label: N x C, so that dz/dx = J^T direction
  Tensor margin;     // z: N
  Tensor wrong;      // p: N
  Tensor square;     // ||dz/dx||^2: N

  Tensor first() const { return wrong; }                 // g_z
  Tensor second() const { return wrong * (1 - wrong); }  // H_z
  // A = beta ||dz/dx||^2 H_z, the exponent of theorem 2.
  Tensor exponent(const Tensor& beta) const { return beta * square * second(); }
};

// All float64; beta: a strength for each sample (N). Throws Error for another loss than
// cross-entropy with hard labels.
ScalarReduction scalar_reduction(const LinearRegion& region);

// Coefficients c of delta = J^T c (N x C) under a raw attack of strength beta and infinitely many
// steps, exactly, by binary_margin.
Tensor scalar_attack(const ScalarReduction& reduction, const Tensor& beta);

// Theorems 3 and 4: T of u = direction for a fully connected first layer, whose output has the
// gradient `hidden` (dz/dh, its squared norm: N), after the quadratic attack of infinitely many
// steps: the clean effect exp(A) times, and a second term that is never positive.
//
//   T(delta) = exp(A) T(0) - exp(A) (exp(A) - 1) ||dz/dh||^2 g_z^2 / H_z
//
// clean: T(0) of that layer's weight (N).
Tensor scalar_training_effect(const ScalarReduction& reduction, const Tensor& clean,
                              const Tensor& hidden, const Tensor& beta);

}  // namespace reluctance
