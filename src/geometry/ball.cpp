#include "reluctance/geometry/ball.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "geometry/norm_table.hpp"

namespace reluctance {

Tensor sizes_in(const Ball& ball, const Tensor& delta) {
  return sample_norms(ball.domain.in_units(delta), ball.norm);
}

Tensor dual_sizes_in(const Ball& ball, const Tensor& gradient) {
  return dual_norms(ball.domain.by_reach(gradient), ball.norm);
}

Tensor steepest_in(const Ball& ball, Tensor gradient) {
  if (ball.domain.pixels()) return steepest(ball.norm, std::move(gradient));
  return ball.domain.by_reach(steepest(ball.norm, ball.domain.by_reach(gradient)));
}

double widest(const Ball& ball, int64_t n) {
  return sample_norms(ball.domain.width(n), ball.norm).item<double>();
}

Tensor random_in_ball(const Ball& ball, const Tensor& like, const Tensor& index,
                      std::uint64_t seed) {
  const Tensor point = entry_of(ball.norm).random(seed, index, like.flatten(1));
  return ball.domain.by_reach(point.mul(ball.radius).view_as(like));
}

Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x) {
  const bool exact = x.scalar_type() == at::kDouble || entry_of(ball.norm).rounds_inwards;
  const double ulp =
      exact ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const Tensor largest = ball.domain.largest(x.flatten(1).size(1));
  const double slack =
      ulp * std::max(1.0, ball.radius) * (8 + sample_norms(largest, ball.norm).item<double>());
  // In float64 the difference of two pixels is exact, and the slack is for the pixels alone.
  const Tensor sizes = sizes_in(ball, x.to(at::kDouble) - clean.to(at::kDouble));
  return sizes.le(ball.radius + slack).logical_and_(ball.domain.holds(x));
}

Tensor drawn_inside(const Ball& ball, const Tensor& clean, const Tensor& x) {
  const double ulp = x.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                    : std::numeric_limits<float>::epsilon();
  const Tensor centre = clean.to(at::kDouble);
  const Tensor delta = x.to(at::kDouble) - centre;
  const Tensor sizes = sizes_in(ball, delta);
  Tensor result = x;
  // The rounding of the shorter perturbation may lengthen it again. Nothing is left of it in the
  // end.
  for (double shorter = 0;; shorter = std::max(ulp, 2 * shorter)) {
    const Tensor over = sizes_in(ball, result.to(at::kDouble) - centre).gt(ball.radius);
    if (!over.any().item<bool>()) return result;
    const Tensor factor = ball.radius / sizes * std::max(0.0, 1 - shorter);
    const Tensor drawn = (centre + per_sample(factor, delta) * delta).to(x.scalar_type());
    result = at::where(per_sample(over, x), drawn, result);
  }
}

Projection::Projection(const Ball& ball, bool in_box, const Tensor& clean)
    : Projection(ball, at::full({1}, ball.radius, at::kDouble), in_box, clean) {}

Projection::Projection(const Ball& ball, const Tensor& radius, bool in_box, const Tensor& clean)
    : project_(entry_of(ball.norm).projection(clean, radius.to(clean.device(), at::kDouble),
                                              ball.domain, in_box)) {}

}  // namespace reluctance
