// The passes of a network: forward once, then any number of linear passes through the same gates.
#pragma once

#include <cstdint>

#include "reluctance/base/samples.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// What a forward pass keeps for the passes after it.
enum class Keep {
  nothing,  // logits only
  gates,    // and the gates: jacobian_vector, vector_jacobian
  inputs,   // and the inputs of the layers with weights: weight_gradient
};

// A forward pass of N samples. Index i of the lists belongs to node i.
struct Pass {
  Tensor logits;   // N x C
  Tensors gates;   // undefined for nodes without gates
  Tensors inputs;  // undefined for nodes without weights, or if not kept
  bool chord = false;
};

// Images of N rows as inputs of the network: N x input shape, of its dtype, on its device.
Tensor as_inputs(const Network& network, const Tensor& images);

// Images likewise, with labels and indices on the network's device. Claims and commands convert
// once, at their door; what they call takes samples as they are.
Samples as_inputs(const Network& network, const Samples& samples);

// x: N x input shape, or any shape of N rows with as many elements. Throws Error if it does not
// fit.
Pass forward(const Network& network, const Tensor& x, Keep keep);

// The affine map between two batches: each ReLU gets its mean slope on the straight way from xa to
// xb, each window of max-pooling the winners at both, weighted, so that J (xb - xa) = z(xb) - z(xa)
// holds exactly. `logits` are those at xa. Serves jacobian_vector and vector_jacobian.
Pass chord(const Network& network, const Tensor& xa, const Tensor& xb);

// The logits alone, N x C, in chunks (base/chunks.hpp).
Tensor logits(const Network& network, const Tensor& x);

// J v at the samples of `pass`. v: K*N x input shape (K copies of the batch) -> K*N x C.
Tensor jacobian_vector(const Network& network, const Pass& pass, const Tensor& v);

// J^T u. u: K*N x C -> K*N x input shape.
Tensor vector_jacobian(const Network& network, const Pass& pass, const Tensor& u);

// Gradient of sum_i u_i . z_i w.r.t. the parameters (Network::parameters order). u: N x C. The pass
// must have kept inputs.
Tensors weight_gradient(const Network& network, const Pass& pass, const Tensor& u);

// Both of the above from one sweep: `input` is N x input shape.
struct Gradients {
  Tensor input;
  Tensors parameters;
};
Gradients gradients(const Network& network, const Pass& pass, const Tensor& u);

// Share of all gates that differ between two passes of the same N samples: N values in [0, 1],
// float64. Zeros for a network without gates.
Tensor gates_flipped(const Network& network, const Pass& a, const Pass& b);

}  // namespace reluctance
