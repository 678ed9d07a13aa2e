#include "reluctance/geometry/domain.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// float32 from float64, to the side of `towards`.
Tensor rounded(const Tensor& walls, double towards) {
  const Tensor nearest = walls.to(at::kFloat);
  const Tensor beyond =
      towards > 0 ? nearest.to(at::kDouble).lt(walls) : nearest.to(at::kDouble).gt(walls);
  return at::where(beyond, at::nextafter(nearest, at::full_like(nearest, towards)), nearest);
}

Tensor shaped(const Tensor& features, const Tensor& x) {
  return features.to(x.device()).view(x.sizes().slice(1));
}

}  // namespace

Domain::Domain(const Tensor& low, const Tensor& high, const Tensor& reach)
    : low_(low.to(at::kDouble)),
      high_(high.to(at::kDouble)),
      reach_(reach.to(at::kDouble)),
      low_float_(rounded(low_, infinity)),
      high_float_(rounded(high_, -infinity)) {
  const auto refuse = [](const Tensor& faults, const std::string& what) {
    const Tensor places = faults.nonzero();
    if (places.size(0) == 0) return;
    throw Error("feature " + std::to_string(places[0].item<int64_t>()) + ": " + what);
  };
  refuse(reach_.ge(0).logical_and(reach_.isfinite()).logical_not(),
         "its budget is no number from 0");
  const Tensor between = low_float_.lt(high_float_)
                             .logical_and(low_float_.isfinite())
                             .logical_and(high_float_.isfinite());
  refuse(between.logical_not().logical_and(reach_.gt(0)),
         "low is not a number below high; say that it is fixed if it cannot move");
}

Domain::Walls Domain::walls(const Tensor& x) const {
  const bool exact = x.scalar_type() == at::kDouble;
  return {shaped(exact ? low_ : low_float_, x), shaped(exact ? high_ : high_float_, x)};
}

Tensor Domain::reach(const Tensor& x) const { return shaped(reach_, x).to(x.scalar_type()); }

Tensor Domain::clip(const Tensor& x, const Tensor& clean) const {
  if (pixels()) return x.clamp(0, 1);
  const auto [low, high] = walls(x);
  return at::where(reach(x).eq(0), clean, x.clamp(low, high));
}

Tensor Domain::holds(const Tensor& x) const {
  if (pixels()) return x.ge(0).logical_and_(x.le(1)).flatten(1).all(1);
  const Tensor exact = x.to(at::kDouble);
  const auto [low, high] = walls(exact);
  const Tensor fixed = reach(exact).eq(0).logical_and(x.isfinite());
  return exact.ge(low).logical_and_(exact.le(high)).logical_or_(fixed).flatten(1).all(1);
}

Tensor Domain::in_units(const Tensor& delta) const {
  if (pixels()) return delta;
  const Tensor units = reach(delta);
  const Tensor moved = at::zeros_like(delta).masked_fill_(delta.ne(0), infinity);
  return at::where(units.gt(0), delta / units, moved);
}

Tensor Domain::by_reach(const Tensor& gradient) const {
  return pixels() ? gradient : gradient * reach(gradient);
}

Tensor Domain::room(const Tensor& signs, const Tensor& x) const {
  if (pixels()) return at::where(signs.gt(0), 1 - x, x).mul_(signs.abs());
  const auto [low, high] = walls(x);
  const Tensor moves = signs.ne(0).logical_and(reach(x).gt(0));
  return at::where(signs.gt(0), high - x, x - low).mul_(moves);
}

Tensor Domain::width(int64_t n) const {
  if (pixels()) return at::ones({1, n}, at::kDouble);
  return at::where(reach_.gt(0), (high_ - low_) / reach_, 0.0).unsqueeze(0);
}

Tensor Domain::largest(int64_t n) const {
  if (pixels()) return at::ones({1, n}, at::kDouble);
  return at::where(reach_.gt(0), at::maximum(low_.abs(), high_.abs()) / reach_, 0.0).unsqueeze(0);
}

Tensor Domain::span(const Tensor& like) const {
  if (pixels()) return at::ones({}, like.options());
  const auto [low, high] = walls(like);
  return at::where(reach(like).gt(0), high - low, 0.0).to(like.scalar_type());
}

Tensors Domain::arrays() const { return pixels() ? Tensors{} : Tensors{low_, high_, reach_}; }

std::string unit_of(const Domain& domain) {
  if (domain.pixels()) return "";
  const Tensor reach = domain.arrays().back();
  const bool alike = reach.eq(0).logical_or(reach.eq(1)).all().item<bool>();
  return alike ? "" : " of each feature's budget";
}

}  // namespace reluctance
