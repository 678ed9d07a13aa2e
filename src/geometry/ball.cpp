#include "reluctance/geometry/ball.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "geometry/norm_table.hpp"

namespace reluctance {

Tensor random_in_ball(const Ball& ball, const Tensor& like, const Tensor& index,
                      std::uint64_t seed) {
  const Tensor point = entry_of(ball.norm).random(seed, index, like.flatten(1));
  return point.mul(ball.radius).view_as(like);
}

Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x) {
  const bool exact = x.scalar_type() == at::kDouble || entry_of(ball.norm).rounds_inwards;
  const double ulp =
      exact ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const Tensor rows = x.flatten(1);
  const double slack =
      ulp * std::max(1.0, ball.radius) * (8 + norm_of_ones(ball.norm, rows.size(1)));
  // In float64 the difference of two pixels is exact, and the slack is for the pixels alone.
  const Tensor sizes = sample_norms(x.to(at::kDouble) - clean.to(at::kDouble), ball.norm);
  return sizes.le(ball.radius + slack).logical_and_(rows.ge(0).logical_and_(rows.le(1)).all(1));
}

Tensor drawn_inside(const Ball& ball, const Tensor& clean, const Tensor& x) {
  const double ulp = x.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                    : std::numeric_limits<float>::epsilon();
  const Tensor centre = clean.to(at::kDouble);
  const Tensor delta = x.to(at::kDouble) - centre;
  const Tensor sizes = sample_norms(delta, ball.norm);
  Tensor result = x;
  // The rounding of the shorter perturbation may lengthen it again. Nothing is left of it in the
  // end.
  for (double shorter = 0;; shorter = std::max(ulp, 2 * shorter)) {
    const Tensor over = sample_norms(result.to(at::kDouble) - centre, ball.norm).gt(ball.radius);
    if (!over.any().item<bool>()) return result;
    const Tensor factor = ball.radius / sizes * std::max(0.0, 1 - shorter);
    const Tensor drawn = (centre + per_sample(factor, delta) * delta).to(x.scalar_type());
    result = at::where(per_sample(over, x), drawn, result);
  }
}

Projection::Projection(const Ball& ball, bool pixel_box, const Tensor& clean)
    : Projection(ball.norm, at::full({1}, ball.radius, at::kDouble), pixel_box, clean) {}

Projection::Projection(Norm norm, const Tensor& radius, bool pixel_box, const Tensor& clean)
    : project_(
          entry_of(norm).projection(clean, radius.to(clean.device(), at::kDouble), pixel_box)) {}

}  // namespace reluctance
