#include "reluctance/attack/ball.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "reluctance/base/error.hpp"

namespace reluctance {

std::string to_string(Norm norm) { return norm == Norm::linf ? "linf" : "l2"; }

Norm parse_norm(const std::string& text) {
  if (text == "linf") return Norm::linf;
  if (text == "l2") return Norm::l2;
  throw Error("unknown norm '" + text + "'; choose linf or l2");
}

Tensor sample_norms(const Tensor& x, Norm norm) {
  const Tensor rows = x.flatten(1);
  return norm == Norm::linf ? rows.abs().amax(1) : rows.norm(2, 1);
}

Tensor per_sample(const Tensor& values, const Tensor& like) {
  Shape shape(static_cast<std::size_t>(like.dim()), 1);
  shape[0] = -1;
  return values.view(shape);
}

Tensor steepest(Norm norm, Tensor gradient) {
  if (norm == Norm::linf) return gradient.sign_();
  const Tensor norms = sample_norms(gradient, Norm::l2).clamp_min_(1e-30);
  return gradient.div_(per_sample(norms, gradient));
}

Tensor random_in_ball(const Ball& ball, const Tensor& like, at::Generator generator) {
  const auto options = at::TensorOptions().dtype(like.dtype());
  if (ball.norm == Norm::linf) {
    return at::rand(like.sizes(), generator, options)
        .mul_(2)
        .sub_(1)
        .mul_(ball.radius)
        .to(like.device());
  }
  const Tensor direction = at::randn(like.sizes(), generator, options);
  const Tensor norms = per_sample(sample_norms(direction, Norm::l2), direction);
  const double dimensions = static_cast<double>(like.numel()) / static_cast<double>(like.size(0));
  const Tensor radii = at::rand(norms.sizes(), generator, options).pow_(1.0 / dimensions);
  return (direction * (radii * ball.radius / norms)).to(like.device());
}

Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x) {
  const double ulp = x.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                    : std::numeric_limits<float>::epsilon();
  const double limit = ball.radius + 8 * ulp * std::max(1.0, ball.radius);
  // In float64 the difference of two pixels is exact, and the slack is for the pixels alone.
  const Tensor sizes = sample_norms(x.to(at::kDouble) - clean.to(at::kDouble), ball.norm);
  const Tensor rows = x.flatten(1);
  return sizes.le(limit).logical_and_(rows.ge(0).logical_and_(rows.le(1)).all(1));
}

Projection::Projection(const std::optional<Ball>& ball, bool pixel_box, const Tensor& clean)
    : ball_(ball), pixel_box_(pixel_box), clean_(clean) {
  if (ball && ball->norm == Norm::linf) {
    low_ = clean - ball->radius;
    high_ = clean + ball->radius;
    if (pixel_box) {
      low_.clamp_min_(0);
      high_.clamp_max_(1);
    }
  }
}

void Projection::operator()(Tensor& x) const {
  if (low_.defined()) {
    at::clamp_out(x, x, low_, high_);
    return;
  }
  if (ball_) {
    const Tensor delta = x - clean_;
    const Tensor shrink = (ball_->radius / sample_norms(delta, Norm::l2)).clamp_max_(1);
    at::addcmul_out(x, clean_, delta, per_sample(shrink, delta));
  }
  // The box holds `clean`, so clipping to it never leaves the ball.
  if (pixel_box_) x.clamp_(0, 1);
}

}  // namespace reluctance
