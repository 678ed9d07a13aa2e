#include "reluctance/theory/segments.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "class_space.hpp"
#include "region_climber.hpp"

namespace reluctance {
namespace {

// For each sample, the number of the next `remaining` steps after which the predicted path has
// 1/segments of its length: pieces of equal length, because the attack accelerates and equal numbers
// of steps would put most of the way into the last one.
std::vector<int64_t> next_pieces(const LinearRegion& region, const Tensor& labels, double alpha,
                                 const std::vector<int64_t>& remaining, int64_t segments) {
  std::vector<int64_t> pieces(remaining.size());
  for_each_sample(static_cast<int64_t>(remaining.size()), [&](int64_t i) {
    const int64_t steps = remaining[static_cast<std::size_t>(i)];
    RegionClimber climber(region, labels, i);
    Vector c = Vector::Zero(region.logits.size(1));
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

// Coefficients after steps[i] steps from c = 0 with the logits `start` there.
Tensor advance(const LinearRegion& region, const Tensor& start, const Tensor& labels, double alpha,
               const std::vector<int64_t>& steps) {
  LinearRegion shifted{{}, start, region.gram};
  Tensor coefficients = at::zeros_like(start);
  for_each_sample(start.size(0), [&](int64_t i) {
    RegionClimber climber(shifted, labels, i);
    Vector c = Vector::Zero(start.size(1));
    for (int64_t t = 0; t < steps[static_cast<std::size_t>(i)]; ++t) c += alpha * climber.gradient(c);
    vector_of(coefficients, i) = c;
  });
  return coefficients;
}

}  // namespace

Tensor segmented_attack(const Network& network, const Tensor& x, const Tensor& labels, double beta,
                        int64_t steps, int64_t segments, SegmentScheme scheme) {
  const double alpha = beta / static_cast<double>(steps);
  segments = std::min(segments, steps);
  const Tensor targets = labels.to(at::kCPU).contiguous();
  std::vector<int64_t> remaining(static_cast<std::size_t>(x.size(0)), steps);
  Tensor delta = at::zeros_like(x, at::TensorOptions().device(at::kCPU).dtype(at::kDouble));
  const auto here = [&](const Tensor& offset) { return (x + (delta + offset).to(x.options())); };
  const Tensor nowhere = at::zeros_like(delta);
  for (int64_t segment = 0; segment < segments; ++segment) {
    const LinearRegion start = linear_region(network, here(nowhere));
    const auto pieces = next_pieces(start, targets, alpha, remaining, segments - segment);
    Tensor coefficients;
    if (scheme == SegmentScheme::euler) {
      coefficients = advance(start, start.logits, targets, alpha, pieces);
      delta = delta + perturbation(network, start, coefficients);
    } else {
      std::vector<int64_t> halves = pieces;
      for (int64_t& half : halves) half = (half + 1) / 2;
      const Tensor half_way =
          perturbation(network, start, advance(start, start.logits, targets, alpha, halves));
      const LinearRegion middle = linear_region(network, here(half_way));
      coefficients = advance(middle, start.logits, targets, alpha, pieces);
      delta = delta + perturbation(network, middle, coefficients);
    }
    for (std::size_t i = 0; i < remaining.size(); ++i) remaining[i] -= pieces[i];
  }
  return delta;
}

}  // namespace reluctance
