#include "theory/l2_path.hpp"

#include <ATen/ATen.h>

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

// The change of the input gradients along v, N x n, when the inputs change too.
Tensor gradient_change(const CurvatureSamples& samples, const Tensor& v, const Tensor& moved) {
  const Tensors direction = samples.split(v);
  Tensor change = at::empty_like(moved);
  samples.for_each([&](const Piece& piece) {
    const Direction both{direction, part(moved, piece)};
    part(change, piece).copy_(hessian_vector(samples, piece, both, Wanted::input).input);
  });
  return change;
}

}  // namespace

L2Path::L2Path(const Network& network, const Samples& samples, const Loss& loss,
               const L2Response& l2, int64_t memory) {
  const Tensor centre = rows(l2.clean);
  const auto iterates = static_cast<int64_t>(l2.path.size());
  const auto at_inputs = [&](const Tensor& x) {
    return std::make_shared<CurvatureSamples>(network, samples.with_images(x), loss,
                                              memory / iterates);
  };
  ends_ = at_inputs(l2.path.back());
  for (auto x = l2.path.begin(); x + 1 != l2.path.end(); ++x) {
    Step step;
    step.samples = at_inputs(*x);
    Tensor gradient = at::empty_like(centre);
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

Tensor L2Path::backward(const Tensor& u) const {
  Tensor sum = at::zeros({steps_.front().samples->network().parameter_count()}, u.options());
  Tensor adjoint = u;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    const CurvatureSamples& samples = *step->samples;
    adjoint = through_ball(*step, adjoint * step->free);
    const Tensor asked = along_step(*step, adjoint);
    Tensor change = at::empty_like(adjoint);
    sum += samples.mean([&](const Piece& piece) {
      Gradients moved = hessian_vector(samples, piece, {{}, part(asked, piece)}, Wanted::both);
      part(change, piece).copy_(moved.input);
      return moved.parameters;
    }) * static_cast<double>(samples.count());
    adjoint = adjoint + change;
  }
  return sum;
}

Tensor L2Path::asked(const Tensor& v) const {
  return gradient_change(*ends_, v, at::zeros_like(steps_.front().gradient));
}

Tensor L2Path::gain(const Tensor& v) const {
  const Tensor moved = forward(v);
  const Tensor followed = ends_->mean([&](const Piece& piece) {
    return hessian_vector(*ends_, piece, {{}, part(moved, piece)}, Wanted::parameters).parameters;
  });
  return (followed * static_cast<double>(ends_->count()) + backward(asked(v))) / 2;
}

Tensor L2Path::sample_gains(const Tensor& v) const {
  return (forward(v) * asked(v)).sum(1, false, at::kDouble);
}

}  // namespace reluctance
