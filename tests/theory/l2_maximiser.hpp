// The maximum of a loss on an L2 ball, by an iteration that shares nothing with the attacks.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/attack/gradient_ascent.hpp"

namespace reluctance {

// Solves grad L(x + delta) = mu delta on the free pixels with ||delta|| = radius by iterating
// delta <- g / mu, clipped to the box, mu by bisection. Where the loss has a ridge, at a gate,
// there is no such point: sets `converged`.
inline Tensor l2_maximiser(const Network& network, const Samples& samples, const Loss& loss,
                           double radius, bool box, bool* converged = nullptr) {
  const Tensor& x = samples.images;
  const Tensor flat = x.flatten(1);
  const auto clipped = [&](const Tensor& delta) {
    return box ? (flat + delta).clamp(0, 1) - flat : delta;
  };
  CountedPasses passes(network);
  Tensor attacked = x.clone();
  double change = 1;
  for (int iteration = 0; iteration < 100 && change > 1e-13; ++iteration) {
    const Tensor g = input_gradient(passes, samples.with_images(attacked), loss).flatten(1);
    Tensor low = at::full({x.size(0), 1}, 1e-9, at::kDouble);
    Tensor high = at::full({x.size(0), 1}, 1e9, at::kDouble);
    for (int halving = 0; halving < 60; ++halving) {
      const Tensor mu = (low * high).sqrt();
      const Tensor too_long = clipped(g / mu).norm(2, 1, true) > radius;
      low = at::where(too_long, mu, low);
      high = at::where(too_long, high, mu);
    }
    const Tensor next = (flat + clipped(g / (low * high).sqrt())).view(x.sizes());
    change = (next - attacked).abs().max().item<double>();
    attacked = next;
  }
  if (converged) *converged = change <= 1e-13;
  return attacked;
}

}  // namespace reluctance
