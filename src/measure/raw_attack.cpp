#include "reluctance/measure/raw_attack.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "reluctance/attack/attack.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

RawAttackResult measure_raw_attack(const Network& network, const Tensor& x, const Tensor& labels,
                                   double beta, int64_t steps) {
  const Tensor attacked = climb(network, x, labels, x, raw_attack(beta, steps));
  const Pass before = forward(network, x, Keep::gates);
  const Pass after = forward(network, attacked, Keep::gates);
  return {(attacked - x).to(at::kCPU),
          input_gradient(network, attacked, labels).gradient.to(at::kCPU),
          gates_flipped(network, before, after), after.logits.argmax(1)};
}

double strength_that_fools(const Network& network, const Tensor& x, const Tensor& labels,
                           int64_t steps, double share, const Progress& progress) {
  const Tensor right = correct(network, x, labels);
  const double target = share * static_cast<double>(right.sum().item<int64_t>());
  const auto fools = [&](double beta) {
    const Tensor fallen = run_attack(network, x, labels, raw_attack(beta, steps)).success;
    return static_cast<double>(fallen.logical_and(right).sum().item<int64_t>()) >= target;
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
