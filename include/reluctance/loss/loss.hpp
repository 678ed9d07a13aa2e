// Losses as functions of one sample's logits. With the gates fixed a network is affine, so what a
// loss says about its logits is all that attacks, training and theory need to know of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reluctance/base/samples.hpp"

namespace reluctance {

// What a loss is at N samples.
struct LossAt {
  Tensor value;     // N
  Tensor gradient;  // N x C: s, with respect to the logits
};

// Every tensor keeps the dtype of the logits (N x C). labels: N (int64).
struct Loss {
  std::string name;  // "cross-entropy"

  // `targets` (N, or undefined): the class to aim at, of losses that attacks raise towards one.
  std::function<LossAt(const Tensor& logits, const Tensor& labels, const Tensor& targets)> at;

  // The rest belongs to losses that are trained on; others leave it empty, and the theory has no
  // word on them.

  // Two logits that are moved alike change nothing, so that s sums to 0 and H_z has rank C - 1.
  bool ignores_shift = true;
  // H_z v for the logit Hessian H_z. v: N x C.
  std::function<Tensor(const Tensor& logits, const Tensor& v)> hessian_vector{};
  // A factor B with H_z = B B^T: N x C x C.
  std::function<Tensor(const Tensor& logits)> hessian_factor{};
  // s of one sample in float64, for recursions in class space: C numbers z -> C numbers s.
  std::function<void(const double* z, int64_t classes, int64_t label, double* s)> sample_gradient{};

  Tensor value(const Tensor& logits, const Tensor& labels) const {
    return at(logits, labels, {}).value;
  }
  Tensor gradient(const Tensor& logits, const Tensor& labels) const {
    return at(logits, labels, {}).gradient;
  }
  // What an attack on these samples raises: the loss or, with targets, minus the loss of these.
  LossAt attacked(const Tensor& logits, const Samples& samples) const;
};

// -log softmax(z)_y, with labels smoothed to (1 - a) onehot(y) + a / C (Szegedy et al. 2016).
Loss cross_entropy_loss(double label_smoothing = 0);

// ||z - onehot(y)||^2 / 2.
Loss squared_error_loss();

// max over k != y of z_k - z_y, or z_t - z_y for targets: above zero where the answer is wrong.
Loss margin_loss();

// The difference-of-logits ratio (loss/dlr.hpp), targeted where there are targets.
Loss dlr_loss();

// One of the above by its name; throws Error for any other.
Loss loss_named(const std::string& name);

// Throws Error unless the theory knows the loss.
void require_known_to_theory(const Loss& loss);

}  // namespace reluctance
