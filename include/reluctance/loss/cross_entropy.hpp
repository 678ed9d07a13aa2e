// Cross-entropy in logit space, for one label per sample. Every tensor keeps the dtype of the
// logits.
#pragma once

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// L = -log softmax(z)_y. logits: N x C, labels: N (int64) -> N.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels);

// s = dL/dz = softmax(z) - onehot(y): N x C, each row sums to zero. The label's entry is minus the
// sum of the others, which keeps its digits when the network is confident; p_y - 1 would not.
Tensor logit_gradient(const Tensor& logits, const Tensor& labels);

// Both for smoothed labels, (1 - a) onehot(y) + a / C (Szegedy et al. 2016).
Tensor smoothed_cross_entropy(const Tensor& logits, const Tensor& labels, double a);
Tensor smoothed_logit_gradient(const Tensor& logits, const Tensor& labels, double a);

// H_z v for the logit Hessian H_z = diag(p) - p p^T. v: N x C. Differences are taken to the most
// probable class, so that the entries of a confident sample keep their digits.
Tensor logit_hessian_vector(const Tensor& logits, const Tensor& v);

// The factor B = diag(q) (I - q q^T) with q = sqrt(p) of the logit Hessian
// H_z = B B^T: N x C x C.
Tensor logit_hessian_factor(const Tensor& logits);

}  // namespace reluctance
