#include "reluctance/theory/segments.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "class_space.hpp"
#include "region_climber.hpp"

namespace reluctance {
namespace {

// For each sample, the number of the next `remaining` steps after which the predicted path has
// 1/segments of its length: pieces of equal length, because the attack accelerates and equal
// numbers of steps would put most of the way into the last one.
std::vector<int64_t> next_pieces(const LinearRegion& region, double alpha,
                                 const std::vector<int64_t>& remaining, int64_t segments) {
  std::vector<int64_t> pieces(remaining.size());
  for_each_sample(static_cast<int64_t>(remaining.size()), [&](int64_t i) {
    const int64_t steps = remaining[static_cast<std::size_t>(i)];
    RegionClimber climber(region, i);
    Vector c = Vector::Zero(region.classes());
    std::vector<double> length{0.0};
    for (int64_t t = 0; t < steps; ++t) {
      const Vector& s = climber.gradient(c);
      length.push_back(length.back() + std::sqrt(std::max(s.dot(climber.gram * s), 0.0)));
      c += alpha * s;
    }
    const double target = length.back() / static_cast<double>(segments);
    const auto reached = std::lower_bound(length.begin() + 1, length.end(), target);
    const int64_t piece = reached - length.begin();
    // Every later segment keeps at least one step.
    pieces[static_cast<std::size_t>(i)] =
        segments == 1 ? steps : std::min(piece, steps - segments + 1);
  });
  return pieces;
}

// Coefficients after steps[i] steps from c = 0.
Tensor advance(const LinearRegion& region, double alpha, const std::vector<int64_t>& steps) {
  return climb_all(region, [&](RegionClimber& climber, Vector& c, int64_t i) {
    for (int64_t t = 0; t < steps[static_cast<std::size_t>(i)]; ++t)
      c += alpha * climber.gradient(c);
  });
}

}  // namespace

Tensor segmented_attack(const Network& network, const Samples& samples, double beta, int64_t steps,
                        const SegmentOptions& options) {
  const double alpha = beta / static_cast<double>(steps);
  const int64_t segments = std::min(options.segments, steps);
  const Tensor& x = samples.images;
  std::vector<int64_t> remaining(static_cast<std::size_t>(x.size(0)), steps);
  Tensor delta = at::zeros_like(x, at::TensorOptions().device(at::kCPU).dtype(at::kDouble));
  for (int64_t segment = 0; segment < segments; ++segment) {
    const Tensor start = x + delta.to(x.options());
    const LinearRegion tangent = linear_region(network, samples.with_images(start), options.loss);
    const auto pieces = next_pieces(tangent, alpha, remaining, segments - segment);
    Tensor coefficients;
    if (options.scheme == SegmentScheme::tangent) {
      coefficients = advance(tangent, alpha, pieces);
      delta = delta + perturbation(network, tangent, coefficients);
    } else {
      // A piece of m steps asks for the gradient at its first m points, so the chord ends at the
      // last of these, one step short; for a single step it is the tangent.
      std::vector<int64_t> before_last = pieces;
      for (int64_t& count : before_last) count = std::max<int64_t>(count - 1, 0);
      const Tensor moved = perturbation(network, tangent, advance(tangent, alpha, before_last));
      const LinearRegion between =
          linear_region(network, chord(network, start, start + moved.to(x.options())),
                        samples.labels, options.loss);
      coefficients = advance(between, alpha, pieces);
      delta = delta + perturbation(network, between, coefficients);
    }
    for (std::size_t i = 0; i < remaining.size(); ++i) remaining[i] -= pieces[i];
  }
  return delta;
}

}  // namespace reluctance
