// The loop that all gradient attacks share: steps, projections, restarts and the final check.
#include <ATen/ATen.h>

#include <utility>

#include "reluctance/attack/attack.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Attacks the given samples once and reports which fall.
AttackResult run_once(const Network& network, const Tensor& images, const Tensor& labels,
                      const Attack& attack, const Tensor& starts, ProgressCounter& progress) {
  const int64_t samples = images.size(0);
  AttackResult result{at::empty_like(images),
                      at::empty({samples}, labels.options().dtype(at::kBool))};
  result.passes = {samples * (attack.steps + 1), samples * attack.steps};
  const auto chunk = [&](int64_t begin, int64_t end) {
    const Tensor x = images.slice(0, begin, end);
    const Tensor y = labels.slice(0, begin, end);
    const Tensor adversarial = climb(network, x, y, starts.slice(0, begin, end), attack);
    result.adversarial.slice(0, begin, end).copy_(adversarial);
    const Tensor answers = forward(network, adversarial, Keep::nothing).logits.argmax(1);
    result.success.slice(0, begin, end).copy_(answers.ne(y));
    progress.add(end - begin);
  };
  for_each_chunk(network.device(), samples, samples_per_chunk(network), chunk);
  return result;
}

}  // namespace

Tensor starting_points(const Tensor& clean, const Attack& attack, at::Generator generator) {
  if (!attack.random_start || !attack.ball) return clean;
  Tensor x = clean + random_in_ball(*attack.ball, clean, std::move(generator));
  return attack.pixel_box ? x.clamp_(0, 1) : x;
}

Tensor climb(const Network& network, const Tensor& clean, const Tensor& labels, const Tensor& start,
             const Attack& attack) {
  const Projection project(attack.ball, attack.pixel_box, clean);
  Tensor x = start.clone();
  for (int64_t step = 0; step < attack.steps; ++step) {
    check_interrupt();
    x.add_(attack.direction(input_gradient(network, x, labels).gradient), attack.step_size);
    project(x);
  }
  return x;
}

InputGradient input_gradient(const Network& network, const Tensor& images, const Tensor& labels) {
  const Pass pass = forward(network, images, Keep::gates);
  return {vector_jacobian(network, pass, logit_gradient(pass.logits, labels)), pass.logits};
}

std::vector<Tensor> attack_path(const Network& network, const Tensor& images, const Tensor& labels,
                                Attack attack, std::uint64_t seed, const Progress& progress) {
  const Tensor clean = as_inputs(network, images);
  const int64_t steps = std::exchange(attack.steps, 1);
  std::vector<Tensor> path{starting_points(clean, attack, make_generator(seed, {0}))};
  for (int64_t step = 0; step < steps; ++step) path.push_back(at::empty_like(clean));
  ProgressCounter counter(progress, clean.size(0));
  const auto chunk = [&](int64_t begin, int64_t end) {
    const auto part = [&](const Tensor& all) { return all.slice(0, begin, end); };
    for (std::size_t step = 1; step < path.size(); ++step) {
      part(path[step])
          .copy_(climb(network, part(clean), part(labels), part(path[step - 1]), attack));
    }
    counter.add(end - begin);
  };
  for_each_chunk(network.device(), clean.size(0), samples_per_chunk(network), chunk);
  return path;
}

AttackResult run_attack(const Network& network, const Tensor& images, const Tensor& labels,
                        const Attack& attack, std::uint64_t seed, const Progress& progress) {
  const int64_t samples = images.size(0);
  const Tensor clean = as_inputs(network, images);

  ProgressCounter counter(progress, samples * attack.restarts);
  AttackResult best;
  for (int64_t restart = 0; restart < attack.restarts; ++restart) {
    const Tensor starts =
        starting_points(clean, attack, make_generator(seed, {static_cast<std::uint64_t>(restart)}));
    if (restart == 0) {
      best = run_once(network, clean, labels, attack, starts, counter);
      continue;
    }
    const Tensor standing = best.success.logical_not().nonzero().squeeze(1);
    if (standing.numel() == 0) break;
    const AttackResult again =
        run_once(network, clean.index_select(0, standing), labels.index_select(0, standing), attack,
                 starts.index_select(0, standing), counter);
    const Tensor fallen = again.success.nonzero().squeeze(1);
    best.adversarial.index_copy_(0, standing.index_select(0, fallen),
                                 again.adversarial.index_select(0, fallen));
    best.success.index_fill_(0, standing.index_select(0, fallen), true);
    best.passes += again.passes;
  }
  return best;
}

}  // namespace reluctance
