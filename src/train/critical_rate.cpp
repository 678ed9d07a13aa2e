#include "reluctance/train/critical_rate.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// What is left of the swings of a stable training, relative to the displacement at the start, where
// a gate opens and closes.
constexpr double noise = 0.25;

// A swing that has widened this much is not waited for: far out the curvature is another, and may
// catch it.
constexpr double much = 1000;

double length_of(const Tensor& v) { return v.norm().item<double>(); }

// How far the last of a row of numbers swing around their mean: the fourth difference, which
// multiplies a part that changes sign at every step by 16 and a part that stays by 0.
double swing(const std::vector<double>& path) {
  static constexpr std::array<double, 5> weights{1, -4, 6, -4, 1};
  double difference = 0;
  for (std::size_t t = 0; t < weights.size(); ++t) {
    difference += weights[t] * path[path.size() - weights.size() + t];
  }
  return std::abs(difference) / 16;
}

// The tilted loss around the network.
class TiltedLoss {
 public:
  TiltedLoss(const Network& network, const Samples& samples, const CriticalRateOptions& options)
      : network_(network), samples_(samples), options_(options), centre_(at_displacement({})) {
    const Tensor parameters = network.flat_parameters();
    const double size = options.displacement * length_of(parameters);
    const Tensor random =
        at::randn(parameters.sizes(), make_generator(options.context.seed), at::kDouble);
    start_ = random.to(parameters.device());
    // Three turns towards where the gradient changes most.
    for (int turn = 0; turn < 3; ++turn) start_ = gradient(start_.mul(size / length_of(start_)));
    start_.mul_(size / length_of(start_));
  }

  // g(theta_0 + displacement) - g(theta_0).
  Tensor gradient(const Tensor& displacement) const {
    return at_displacement(displacement) - centre_;
  }

  // Whether the swings of a training that starts at the displacement grow over its second half.
  // (With momentum they first widen in any case.)
  bool unstable(double rate) const {
    const double square = start_.dot(start_).item<double>();
    Tensor displacement = start_;
    Tensor velocity = at::zeros_like(start_);
    std::vector<double> path;
    double halfway = 0;
    for (int64_t step = 0; step < options_.steps; ++step) {
      velocity = options_.momentum * velocity + gradient(displacement);
      displacement = displacement - rate * velocity;
      path.push_back(displacement.dot(start_).item<double>() / square);
      if (path.size() < 5) continue;
      if (!(swing(path) < much)) return true;
      if (step <= options_.steps / 2) halfway = swing(path);
    }
    return swing(path) > std::max(halfway, noise);
  }

 private:
  Tensor at_displacement(const Tensor& displacement) const {
    const Network moved = displacement.defined() ? network_.displaced(displacement) : network_;
    return batch_gradient(moved, samples_, options_.objective).flat();
  }

  const Network& network_;
  const Samples& samples_;
  const CriticalRateOptions& options_;
  Tensor centre_, start_;
};

}  // namespace

std::optional<double> measured_critical_rate(const Network& network, const Samples& samples,
                                             const CriticalRateOptions& options) {
  constexpr double smallest = 1e-6;
  constexpr double largest = 1e6;
  const auto halvings =
      static_cast<int64_t>(std::ceil(std::log2(std::log(4.0) / std::log1p(options.precision))));
  const TiltedLoss loss(network, samples, options);
  int64_t done = 0;
  const auto ask = [&](double rate) {
    const bool answer = loss.unstable(rate);
    ++done;
    if (options.context.progress) options.context.progress(done, std::max(done + 1, halvings + 3));
    return answer;
  };
  double low = 0.1;
  double high = low;
  if (ask(low)) {
    do {
      high = low;
      low /= 4;
      if (low < smallest) return std::nullopt;
    } while (ask(low));
  } else {
    do {
      low = high;
      high *= 4;
      if (high > largest) return std::nullopt;
    } while (!ask(high));
  }
  for (int64_t k = 0; k < halvings; ++k) {
    const double middle = std::sqrt(low * high);
    (ask(middle) ? high : low) = middle;
  }
  return std::sqrt(low * high);
}

}  // namespace reluctance
