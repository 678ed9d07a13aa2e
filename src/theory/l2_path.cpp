#include "theory/l2_path.hpp"

#include <ATen/ATen.h>

#include <memory>
#include <utility>

#include "reluctance/curvature/hessian.hpp"

namespace reluctance {
namespace {

using Piece = CurvatureSamples::Piece;

constexpr double vanished = 1e-25;

Tensor rows(const Tensor& x) { return x.reshape({x.size(0), -1}); }
Tensor lengths(const Tensor& x) { return x.norm(2, 1, /*keepdim=*/true).clamp_min(1e-30); }
Tensor projection(const Tensor& u, const Tensor& unit) {
  return unit * (u * unit).sum(1, /*keepdim=*/true);
}

Tensor part(const Tensor& all, const Piece& piece) {
  return all.slice(0, piece.begin, piece.end).view(piece.samples.images.sizes());
}

// The change of the input gradients along v, N x n, when the inputs change too. Here and below the
// rows of other processes are zero: who has a sample's piece needs no other row.
Tensor gradient_change(const CurvatureSamples& samples, const Tensor& v, const Tensor& moved) {
  const Tensors direction = samples.split(v);
  Tensor change = at::zeros_like(moved);
  samples.for_each([&](const Piece& piece) {
    const Direction both{direction, part(moved, piece)};
    part(change, piece).copy_(hessian_vector(samples, piece, both, Wanted::input).input);
  });
  return change;
}

}  // namespace

L2Path::L2Path(CurvatureSamplesPtr ends, const L2Response& l2, int64_t memory)
    : ends_(std::move(ends)) {
  const Network& network = ends_->network();
  const Loss& loss = ends_->loss();
  const Tensor centre = rows(l2.clean);
  const auto taken = static_cast<int64_t>(l2.path.size()) - 1;
  for (auto x = l2.path.begin(); x + 1 != l2.path.end(); ++x) {
    Step step;
    step.samples = std::make_shared<CurvatureSamples>(network, ends_->samples().with_images(*x),
                                                      loss, memory / taken);
    Tensor gradient = at::zeros_like(centre);
    step.samples->for_each([&](const Piece& piece) {
      const Pass& pass = piece.primal.pass;
      part(gradient, piece)
          .copy_(vector_jacobian(network, pass, loss.gradient(pass.logits, piece.samples.labels)));
    });
    const Tensor length = lengths(gradient);
    step.gradient = gradient / length;
    // Where there is no gradient the attack stands still, whatever its rounding.
    step.inverse = (l2.step_size / length) * length.gt(vanished).to(length.dtype());
    const Tensor delta = rows(*x) + l2.step_size * step.gradient - centre;
    const Tensor distance = lengths(delta);
    step.radial = delta / distance;
    step.outside = distance.gt(l2.radius).to(delta.dtype());
    step.shrink = (l2.radius / distance).clamp_max(1);
    step.free = at::ones_like(delta);
    if (l2.pixel_box) {
      const Tensor point = centre + delta * step.shrink;
      step.free = point.gt(0).logical_and(point.lt(1)).to(delta.dtype());
    }
    steps_.push_back(std::move(step));
  }
}

Tensor L2Path::along_step(const Step& step, const Tensor& u) {
  return (u - projection(u, step.gradient)) * step.inverse;
}

Tensor L2Path::through_ball(const Step& step, const Tensor& u) {
  return (u - projection(u, step.radial) * step.outside) * step.shrink;
}

Tensor L2Path::forward(const Tensor& v) const {
  Tensor moved = at::zeros_like(steps_.front().gradient);
  for (const Step& step : steps_) {
    const Tensor change = gradient_change(*step.samples, v, moved);
    moved = through_ball(step, moved + along_step(step, change)) * step.free;
  }
  return moved;
}

Tensor L2Path::curvature(const Tensor& v) const {
  const Tensors direction = ends_->split(v);
  const Tensor moved = forward(v);
  return ends_->mean([&](const Piece& piece) {
    const Direction both{direction, part(moved, piece)};
    return hessian_vector(*ends_, piece, both, Wanted::parameters).parameters;
  });
}

}  // namespace reluctance
