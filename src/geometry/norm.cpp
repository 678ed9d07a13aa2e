#include "reluctance/geometry/norm.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "geometry/norm_table.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/geometry/sparse.hpp"

namespace reluctance {
namespace {

using Project = std::function<void(Tensor& x)>;

constexpr double vanished = 1e-30;

Tensor l1_size(const Tensor& rows) { return rows.norm(1, 1); }
Tensor l2_size(const Tensor& rows) { return rows.norm(2, 1); }
Tensor linf_size(const Tensor& rows) { return rows.abs().amax(1); }

// L-infinity.

Tensor linf_steepest(Tensor gradient) { return gradient.sign_(); }

// Ball and box are both intervals of each pixel.
Project linf_projection(const Tensor& clean, const Tensor& radius, const Domain& domain,
                        bool in_box) {
  const Tensor units = per_sample(radius.to(clean.scalar_type()), clean);
  const Tensor most = domain.pixels() ? units : domain.by_reach(units.expand_as(clean));
  Tensor low = clean - most;
  Tensor high = clean + most;
  if (in_box) {
    low = domain.clip(low, clean);
    high = domain.clip(high, clean);
  }
  return [low, high](Tensor& x) { at::clamp_out(x, x, low, high); };
}

Tensor linf_random(std::uint64_t seed, const Tensor& index, const Tensor& like) {
  return uniform_rows(seed, index, like.size(1), like).mul_(2).sub_(1);
}

// L2.

Tensor l2_steepest(Tensor gradient) {
  return gradient.div_(l2_size(gradient).clamp_min_(vanished).unsqueeze(1));
}

Project l2_projection(const Tensor& clean, const Tensor& radius, const Domain& domain,
                      bool in_box) {
  return [clean, reach = radius.to(clean.scalar_type()), domain, in_box](Tensor& x) {
    const Tensor delta = x - clean;
    const Tensor shrink = (reach / l2_size(delta.flatten(1)).clamp_min_(vanished)).clamp_max_(1);
    at::addcmul_out(x, clean, delta, per_sample(shrink, delta));
    // The box holds `clean`, so clipping to it never leaves the ball.
    if (in_box) x.copy_(domain.clip(x, clean));
  };
}

Tensor l2_random(std::uint64_t seed, const Tensor& index, const Tensor& like) {
  const Tensor direction = l2_steepest(normal_rows(seed, index, like.size(1), like));
  const Tensor volume = uniform_rows(derive_seed(seed, {1}), index, 1, like);
  return direction * volume.pow(1.0 / static_cast<double>(like.size(1)));
}

// L1.

Tensor l1_steepest(Tensor gradient) {
  constexpr double density = 0.01;
  const double pixels = density * static_cast<double>(gradient.size(1));
  const int64_t kept = std::max<int64_t>(1, std::llround(pixels));
  return sparse_signs(gradient,
                      at::full({gradient.size(0)}, kept, gradient.options().dtype(at::kLong)));
}

// The least lambda from 0 for which the sum over i of clamp(size_i - lambda, 0, room_i) is no more
// than the budget. The sum falls with lambda in straight pieces between size_i and size_i - room_i:
// it is followed through all of these, from the largest. size, room: N x n, budget: N x 1.
Tensor soft_threshold(const Tensor& size, const Tensor& room, const Tensor& budget) {
  const auto [knots, order] =
      at::cat({size, (size - room).clamp_min(0)}, 1).sort(1, /*descending=*/true);
  // Pixels on the move below each knot, and the sum at each knot.
  const Tensor moving = at::where(order.lt(size.size(1)), 1.0, -1.0).cumsum(1);
  const Tensor gain = moving.slice(1, 0, -1) * (knots.slice(1, 0, -1) - knots.slice(1, 1));
  const Tensor sum = at::constant_pad_nd(gain.cumsum(1), {1, 0});
  const Tensor last = sum.le(budget).sum(1, /*keepdim=*/true) - 1;
  const Tensor rest = (budget - sum.gather(1, last)) / moving.gather(1, last).clamp_min(1);
  return (knots.gather(1, last) - rest).clamp_min(0);
}

// Pixel i of the nearest point has moved by clamp(|u_i| - lambda, 0, room_i), u the perturbation
// and lambda the soft threshold for the radius. In float64, for there are many small numbers to
// add; and rounded towards `clean`, or thousands of roundings would leave the ball.
Project l1_projection(const Tensor& clean, const Tensor& radius, const Domain& domain,
                      bool in_box) {
  return [clean, radius, domain, in_box](Tensor& x) {
    const Tensor centre = clean.flatten(1).to(at::kDouble);
    const Tensor delta = x.flatten(1).to(at::kDouble) - centre;
    const Tensor size = delta.abs();
    const Tensor room = in_box ? domain.room(delta.sign(), centre)
                               : at::full_like(size, std::numeric_limits<double>::infinity());
    const Tensor budget = radius.expand({size.size(0)}).unsqueeze(1);
    Tensor moved = at::minimum(size, room);
    // Often the box alone keeps the point in the ball, and nothing has to be sorted.
    const Tensor outside =
        moved.sum(1, /*keepdim=*/true).gt(budget).squeeze(1).nonzero().squeeze(1);
    if (outside.size(0) > 0) {
      const auto rows = [&](const Tensor& all) { return all.index_select(0, outside); };
      const Tensor lambda = soft_threshold(rows(size), rows(room), rows(budget));
      moved.index_copy_(0, outside, at::minimum((rows(size) - lambda).clamp_min(0), rows(room)));
    }
    moved.mul_(delta.sign());
    const Tensor rounded = (centre + moved).to(x.scalar_type());
    const Tensor beyond = (rounded.to(at::kDouble) - centre).abs().gt(moved.abs());
    x.copy_(at::where(beyond, at::nextafter(rounded, clean.flatten(1)), rounded).view_as(x));
    if (in_box) x.copy_(domain.clip(x, clean));
  };
}

Tensor l1_random(std::uint64_t seed, const Tensor& index, const Tensor& like) {
  // n + 1 exponential numbers divided by their sum: the first n are uniform on the ball's positive
  // corner.
  const int64_t n = like.size(1);
  const Tensor sizes = -uniform_rows(seed, index, n + 1, like).log();
  const Tensor signs = uniform_rows(derive_seed(seed, {1}), index, n, like).sub_(0.5).sign_();
  return sizes.slice(1, 0, n) / sizes.sum(1, /*keepdim=*/true) * signs;
}

constexpr std::array<NormEntry, 3> entries{{
    {"linf", linf_size, l1_size, linf_steepest, linf_projection, false, linf_random},
    {"l2", l2_size, l2_size, l2_steepest, l2_projection, false, l2_random},
    {"l1", l1_size, linf_size, l1_steepest, l1_projection, true, l1_random},
}};

std::string names_of(const std::vector<Norm>& norms) {
  std::vector<std::string> names;
  for (const Norm norm : norms) names.push_back(to_string(norm));
  return listed(names);
}

}  // namespace

const NormEntry& entry_of(Norm norm) { return entries.at(static_cast<std::size_t>(norm)); }

const std::vector<Norm>& all_norms() {
  static const std::vector<Norm> all = [] {
    std::vector<Norm> norms;
    for (std::size_t k = 0; k < entries.size(); ++k) norms.push_back(static_cast<Norm>(k));
    return norms;
  }();
  return all;
}

std::string to_string(Norm norm) { return entry_of(norm).name; }

Norm parse_norm(const std::string& text) {
  for (const Norm norm : all_norms()) {
    if (text == to_string(norm)) return norm;
  }
  throw Error("unknown norm '" + text + "'; choose " + names_of(all_norms()));
}

void require_norm(const std::string& subject, Norm norm, const std::vector<Norm>& known) {
  if (std::find(known.begin(), known.end(), norm) != known.end()) return;
  throw Error(subject + " has no " + to_string(norm) + " form; choose " + names_of(known));
}

Tensor sample_norms(const Tensor& x, Norm norm) { return entry_of(norm).size(x.flatten(1)); }

Tensor dual_norms(const Tensor& x, Norm norm) { return entry_of(norm).dual(x.flatten(1)); }

double norm_of_ones(Norm norm, int64_t n) {
  return sample_norms(at::ones({1, n}, at::kDouble), norm).item<double>();
}

Tensor steepest(Norm norm, Tensor gradient) {
  return entry_of(norm).steepest(gradient.flatten(1)).view_as(gradient);
}

Tensor per_sample(const Tensor& values, const Tensor& like) {
  Shape shape(static_cast<std::size_t>(like.dim()), 1);
  shape[0] = -1;
  return values.view(shape);
}

}  // namespace reluctance
