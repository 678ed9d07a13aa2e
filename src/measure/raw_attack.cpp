#include "reluctance/measure/raw_attack.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/geometry/norm.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

namespace {

constexpr int halvings = 7;  // of a power of ten: 10^(1/2^7), 2%

// The last iterates. beta: N, where the network is.
Tensor climbed(CountedPasses& passes, const Samples& samples, const Tensor& beta, int64_t steps,
               const Loss& loss) {
  const Tensor alpha = per_sample(beta / static_cast<double>(steps), samples.images);
  Tensor x = samples.images.clone();
  for (int64_t step = 0; step < steps; ++step) {
    check_interrupt();
    x.addcmul_(alpha, input_gradient(passes, samples.with_images(x), loss));
  }
  return x;
}

// The samples of one batch between a strength that does not fool and one that does.
class Bracket {
 public:
  Bracket(const Network& network, const Samples& samples, int64_t steps, const Loss& loss)
      : passes_(network), samples_(samples), steps_(steps), loss_(loss) {
    const Pass pass = forward(network, samples.images, Keep::gates);
    const Tensor gradient =
        vector_jacobian(network, pass, loss.gradient(pass.logits, samples.labels));
    first_ = 1 / gradient.flatten(1).norm(2, 1);
    low_ = at::zeros_like(first_);
    high_ = at::full_like(first_, std::numeric_limits<double>::infinity());
    open_ = pass.logits.argmax(1).eq(samples.labels).logical_and(first_.isfinite());
  }

  Tensor strengths() {
    // Down to where a sample is not fooled, or up to where it is.
    constexpr int most_down = 12;
    constexpr int most_up = 6;
    ask(first_, open_);
    for (int k = 1; k <= most_down; ++k)
      ask(first_ * std::pow(0.1, k), open_.logical_and(low_ == 0));
    for (int k = 1; k <= most_up; ++k)
      ask(first_ * std::pow(10., k), open_.logical_and(high_.isinf()));
    for (int k = 0; k < halvings; ++k)
      ask((low_ * high_).sqrt(), open_.logical_and(high_.isfinite()));
    return high_.masked_fill(high_.isinf(), std::nan("")).to(at::kCPU);
  }

 private:
  // Tries a strength for each of the chosen samples.
  void ask(const Tensor& beta, const Tensor& chosen) {
    const Tensor places = chosen.nonzero().squeeze(1);
    if (places.numel() == 0) return;
    const Samples part = samples_.rows(places);
    const Tensor tried = beta.index_select(0, places);
    const Tensor attacked = climbed(passes_, part, tried, steps_, loss_);
    const Tensor fooled = passes_.forward(attacked, Keep::nothing).logits.argmax(1).ne(part.labels);
    high_.index_copy_(0, places, at::where(fooled, tried, high_.index_select(0, places)));
    low_.index_copy_(0, places, at::where(fooled, low_.index_select(0, places), tried));
  }

  CountedPasses passes_;
  const Samples& samples_;
  int64_t steps_;
  const Loss& loss_;
  Tensor first_, low_, high_, open_;
};

}  // namespace

RawAttackResult measure_raw_attack(const Network& network, const Samples& samples,
                                   const Tensor& beta, int64_t steps, const Loss& loss) {
  const Tensor& x = samples.images;
  CountedPasses passes(network);
  const Tensor attacked = climbed(passes, samples, beta.to(x.options()), steps, loss);
  const Tensor gradient = input_gradient(passes, samples.with_images(attacked), loss);
  const Pass before = forward(network, x, Keep::gates);
  const Pass after = forward(network, attacked, Keep::gates);
  return {(attacked - x).to(at::kCPU), gradient.to(at::kCPU), gates_flipped(network, before, after),
          after.logits.argmax(1)};
}

Tensor fooling_strengths(const Network& network, const Samples& samples, int64_t steps,
                         const Progress& progress, const Loss& loss) {
  ProgressCounter counter(progress, samples.count());
  Chunks chunks = chunks_of(network, samples.count(), &counter);
  // So that processes have several of them; on a CPU always, whose bits then are those of one.
  constexpr int64_t most = 64;
  if (divides() || chunks.device.is_cpu()) chunks.size = std::min(chunks.size, most);
  return map_shares(chunks, [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = samples.slice(begin, end);
    return {Bracket(network, part, steps, loss).strengths()};
  })[0];
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
