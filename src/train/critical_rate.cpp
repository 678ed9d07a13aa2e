#include "reluctance/train/critical_rate.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>
#include <vector>

#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

constexpr int64_t krylov_steps = 24;
// Of both extreme values' residuals, relative to the larger value.
constexpr double krylov_tolerance = 1e-3;
constexpr std::size_t training_steps = 12;

// Within the linear piece; below the smallest one is rounding.
constexpr double first_displacement = 1e-9;
constexpr double smallest_displacement = 1e-12;

// Of the displacement: where a swing is called dead, and where it is not waited for any longer.
constexpr double dead = 0.01;
constexpr double far = 100;

// The gradient's change counts as odd up to this share of it.
constexpr double oddness = 0.01;

double length_of(const Tensor& v) { return v.norm().item<double>(); }

// Whether p(t+1) = a p(t) + b p(t-1), fitted to the last seven of a path, has a solution that
// swings ever wider: a root with negative real part outside of the unit circle.
bool swings_wider(const std::vector<double>& path) {
  constexpr std::size_t most = 7;
  const std::size_t first = path.size() - std::min(most, path.size());
  // Normal equations of two unknowns; a thousandth of a millionth keeps them solvable where the
  // path has one root only.
  double xx = 0, xy = 0, yy = 0, xz = 0, yz = 0;
  for (std::size_t t = first; t + 2 < path.size(); ++t) {
    const double scale = 1 / std::max(std::abs(path[t + 2]), 1e-300);  // all steps count alike
    const double x = path[t + 1] * scale, y = path[t] * scale, z = path[t + 2] * scale;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xz += x * z;
    yz += y * z;
  }
  const double ridge = 1e-9 * (xx + yy);
  const double determinant = (xx + ridge) * (yy + ridge) - xy * xy;
  const double a = (xz * (yy + ridge) - yz * xy) / determinant;
  const double b = (yz * (xx + ridge) - xz * xy) / determinant;
  const std::complex<double> root = std::sqrt(std::complex<double>(a * a / 4 + b));
  for (const std::complex<double>& each : {a / 2 + root, a / 2 - root}) {
    if (each.real() < 0 && std::abs(each) > 1) return true;
  }
  return false;
}

// The rate above which a training is unstable. A good guess is confirmed by two trainings, one on
// either side of it; from a bad one they go ever further away.
template <typename Ask>
std::optional<double> by_bisection(const Ask& ask, double guess, double precision) {
  constexpr double smallest = 1e-6;
  constexpr double largest = 1e6;
  double reach = std::sqrt(1 + 0.999 * precision);
  double low = std::clamp(guess / reach, smallest, largest);
  double high = low;
  if (ask(low)) {
    do {
      reach *= reach;
      high = low;
      low /= reach;
      if (low < smallest) return std::nullopt;
    } while (ask(low));
  } else {
    do {
      reach *= reach;
      low = high;
      high *= reach;
      if (high > largest) return std::nullopt;
    } while (!ask(high));
  }
  while (high / low > 1 + precision) {
    const double middle = std::sqrt(low * high);
    (ask(middle) ? high : low) = middle;
  }
  return std::sqrt(low * high);
}

// What a Krylov basis says of an operator: the extreme real parts of its eigenvalues, the vector of
// the largest one in the basis, and the larger of both residuals.
struct Extremes {
  double largest, smallest;
  Tensor vector;
  double residual;
};

// projected: k x k, on the basis; next: the length of what the last product adds to it.
Extremes extremes_of(const Tensor& projected, double next) {
  const auto [values, vectors] = at::linalg_eig(projected.contiguous());
  const Tensor real = at::real(values);
  const auto most = real.argmax().item<int64_t>();
  const auto least = real.argmin().item<int64_t>();
  const Tensor last = vectors.select(0, -1).abs();  // the vectors have unit length
  return {real[most].item<double>(), real[least].item<double>(),
          at::real(vectors.select(1, most)).contiguous(),
          next * std::max(last[most].item<double>(), last[least].item<double>())};
}

}  // namespace

TriedTraining::TriedTraining(const Network& network, const Samples& samples,
                             const Objective& objective, const Context& context, double width)
    : network_(network),
      samples_(samples),
      objective_(objective),
      context_(context),
      width_(width),
      displacement_(width > 0 ? width : first_displacement) {
  centre_ = batch_gradient(network_, samples_, objective_).flat();
  length_ = length_of(network_.flat_parameters());
  const Tensor random =
      at::randn(centre_.sizes(), make_generator(context.seed), at::kDouble).to(centre_.device());
  direction_ = random / length_of(random);
  for (;;) {
    find_direction();
    if (width_ > 0 || is_odd()) return;
    smooth_ = displacement_ > smallest_displacement;
    if (!smooth_) return;
    displacement_ /= 10;
  }
}

Tensor TriedTraining::change(const Tensor& displacement) const {
  ++asked_;
  if (context_.progress) context_.progress(asked_, asked_ + krylov_steps);
  return batch_gradient(network_.displaced(displacement), samples_, objective_).flat() - centre_;
}

bool TriedTraining::is_odd() const {
  const Tensor there = change(direction_ * (far * displacement_ * length_));
  const Tensor back = change(direction_ * (-far * displacement_ * length_));
  return length_of(there + back) <= oddness * length_of(there);
}

// Arnoldi from the direction that is known.
void TriedTraining::find_direction() {
  constexpr int64_t most_bytes = int64_t{1} << 30;
  const int64_t size = centre_.size(0);
  const int64_t steps = std::clamp<int64_t>(most_bytes / (8 * size), 4, krylov_steps);
  const int64_t room = std::min(steps, size);
  const double d = displacement_ * length_;
  Tensor basis = at::zeros({room + 1, size}, centre_.options());
  Tensor projected = at::zeros({room + 1, room}, at::kDouble);
  basis[0].copy_(direction_);
  Extremes extremes{};
  Tensor known;
  for (int64_t found = 0; found < room;) {
    const Tensor v = basis[found];
    Tensor w = (change(v * d) - change(v * -d)) / (2 * d);
    const double before = length_of(w);
    known = basis.slice(0, 0, ++found);
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough
      const Tensor part = at::mv(known, w);
      w = w - at::mv(known.t(), part);
      projected.slice(0, 0, found).select(1, found - 1).add_(part.to(at::kCPU));
    }
    const double after = length_of(w);
    extremes = extremes_of(projected.slice(0, 0, found).slice(1, 0, found), after);
    const double scale = std::max(std::abs(extremes.largest), std::abs(extremes.smallest));
    // Nothing new, or nothing that matters.
    if (!(after > 1e-10 * before) || extremes.residual <= krylov_tolerance * scale) break;
    projected[found][found - 1] = after;
    basis[found].copy_(w / after);
  }
  largest_ = extremes.largest;
  smallest_ = extremes.smallest;
  const Tensor direction = at::mv(known.t(), extremes.vector.to(basis.device(), at::kDouble));
  if (length_of(direction) > 0) direction_ = direction / length_of(direction);
}

double TriedTraining::secant(double distance) const {
  const double d = distance * length_;
  return ((change(direction_ * d) - change(direction_ * -d)).dot(direction_) / (2 * d))
      .item<double>();
}

bool TriedTraining::unstable(double rate, double momentum) const {
  const Tensor start = direction_ * (displacement_ * length_);
  const double square = start.dot(start).item<double>();
  Tensor displacement = start;
  Tensor velocity = at::zeros_like(start);
  std::vector<double> path{1};
  while (path.size() <= training_steps) {
    velocity = momentum * velocity + change(displacement);
    displacement = displacement - rate * velocity;
    path.push_back(displacement.dot(start).item<double>() / square);
    if (!std::isfinite(path.back())) return true;
    if (std::abs(path.back()) > far) break;
    const auto is_dead = [](double p) { return std::abs(p) < dead; };
    if (path.size() > 3 && std::all_of(path.end() - 3, path.end(), is_dead)) return false;
  }
  const double last = path.back() / path[path.size() - 2];
  return momentum == 0 || path.size() < 5 ? last < -1 : swings_wider(path);
}

// Whether two trainings on either side of the network, which have come from each other's side,
// swing wider after as many steps. Half of their distance is followed: what both do alike is no
// swing.
bool TriedTraining::widens(double rate, double momentum) const {
  constexpr double clearly = 2;
  const double size = width_ * length_;
  Tensor before = direction_ * -size;
  Tensor here = direction_ * size;
  double last = 1;
  for (std::size_t step = 0; step < training_steps; ++step) {
    const Tensor gradient = (change(here) - change(-here)) / 2;
    const Tensor next = here - rate * gradient + momentum * (here - before);
    before = std::exchange(here, next);
    const double now = here.dot(direction_).item<double>() / size;
    if (!std::isfinite(now)) return true;
    if (now * last > 0) return false;  // has not come over
    last = now;
    if (std::abs(last) > clearly || std::abs(last) < 1 / clearly) break;
  }
  return std::abs(last) > 1;
}

std::optional<double> TriedTraining::critical_rate(double momentum, double precision) const {
  const double guess = largest_ > 0 ? 2 * (1 + momentum) / largest_ : 0.1;
  return by_bisection(
      [&](double rate) { return width_ > 0 ? widens(rate, momentum) : unstable(rate, momentum); },
      guess, precision);
}

}  // namespace reluctance
