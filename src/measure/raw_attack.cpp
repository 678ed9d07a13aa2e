#include "reluctance/measure/raw_attack.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

RawAttackResult measure_raw_attack(const Network& network, const Samples& samples, double beta,
                                   int64_t steps) {
  const Tensor& x = samples.images;
  const GradientAscent attack = raw_attack(beta, steps);
  CountedPasses passes(network);
  const Tensor attacked = climb(passes, samples, x, attack);
  const Tensor gradient = input_gradient(passes, samples.with_images(attacked), attack.loss);
  const Pass before = forward(network, x, Keep::gates);
  const Pass after = forward(network, attacked, Keep::gates);
  return {(attacked - x).to(at::kCPU), gradient.to(at::kCPU), gates_flipped(network, before, after),
          after.logits.argmax(1)};
}

double strength_that_fools(const Network& network, const Samples& samples, int64_t steps,
                           double share, const Progress& progress) {
  const Samples right = samples.rows(correct(network, samples).nonzero().squeeze(1));
  if (right.count() == 0) return largest_strength;  // nobody is there to be fooled
  const double target = share * static_cast<double>(right.count());
  const auto fools = [&](double beta) {
    const Tensor attacked = attacked_images(network, right, raw_attack(beta, steps));
    const Tensor fallen = correct(network, right.with_images(attacked)).logical_not();
    return static_cast<double>(fallen.sum().item<int64_t>()) >= target;
  };
  // Bracket by factors of ten, then halve the interval of the logarithm.
  constexpr int halvings = 7;  // 10^(1/2^7): 2%
  constexpr int64_t most_asked = 8 + halvings;
  int64_t asked = 0;
  const auto ask = [&](double beta) {
    if (progress) progress(++asked, most_asked);
    return fools(beta);
  };
  double high = 1e-3;
  while (!ask(high)) {
    if (high >= largest_strength) return largest_strength;
    high *= 10;
  }
  double low = high / 10;
  for (int i = 0; i < halvings; ++i) {
    const double middle = std::sqrt(low * high);
    (ask(middle) ? high : low) = middle;
  }
  if (progress) progress(most_asked, most_asked);
  return high;
}

}  // namespace reluctance
