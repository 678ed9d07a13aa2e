#include "reluctance/train/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/base/large_tensor.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Streams of random numbers of one training.
enum Stream : std::uint64_t { order_stream, attack_stream, augmentation_stream };

double learning_rate_at(const TrainingOptions& options, int64_t step, int64_t total) {
  const double done = static_cast<double>(step) / static_cast<double>(total);
  switch (options.schedule) {
    case Schedule::constant:
      break;
    case Schedule::cosine:
      return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
    case Schedule::steps:
      return options.learning_rate * (done < 0.5 ? 1.0 : done < 0.75 ? 0.1 : 0.01);
  }
  return options.learning_rate;
}

// w <- w - rate * v with v <- momentum * v + (gradient + decay * w).
void descend(TrainingState& state, const Tensors& gradient, const TrainingOptions& options,
             double rate) {
  Tensors parameters = state.network.parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    Tensor& velocity = state.velocity[k];
    velocity.mul_(options.momentum).add_(gradient[k]).add_(parameters[k], options.weight_decay);
    parameters[k].sub_(velocity, rate);
  }
}

// Where the attacks on a batch begin: at random, or where the last ones ended.
Tensor starts_of(const TrainingState& state, const TrainingOptions& options, const Samples& samples,
                 const Tensor& places) {
  const std::optional<GradientAscent>& attack = options.objective.attack;
  if (!attack) return samples.images;
  if (options.carry && state.carried.defined()) {
    const Tensor delta = state.carried.index_select(0, places);
    // Images that no attack has met yet have none.
    if (delta.ne(0).any().item<bool>()) {
      const Tensor x = samples.images + delta.to(samples.images.scalar_type());
      return attack->pixel_box ? x.clamp(0, 1) : x;
    }
  }
  const auto step = static_cast<std::uint64_t>(state.step);
  return starting_points(samples, *attack, derive_seed(options.seed, {attack_stream, step}));
}

// A state of its own: training changes its tensors in place.
TrainingState copy_of(TrainingState state) {
  state.network = state.network.clone();
  for (Tensor& each : state.velocity) each = each.clone();
  if (state.velocity.empty()) {
    for (const Tensor& parameter : state.network.parameters()) {
      state.velocity.push_back(at::zeros_like(parameter));
    }
  }
  if (state.carried.defined()) state.carried = large_copy(state.carried, at::kHalf);
  return state;
}

// Half precision is fine enough for a start, and halves the checkpoint.
void carry(TrainingState& state, const Tensor& indices, const Tensor& delta, const Tensor& images) {
  if (!state.carried.defined()) {
    state.carried = large_copy(images.new_zeros({1}).expand_as(images), at::kHalf);
  }
  state.carried.index_copy_(0, indices, delta.to(at::kHalf));
}

}  // namespace

Schedule parse_schedule(const std::string& text) {
  if (text == "constant") return Schedule::constant;
  if (text == "cosine") return Schedule::cosine;
  if (text == "steps") return Schedule::steps;
  throw Error("unknown schedule '" + text + "'; choose constant, cosine or steps");
}

std::string to_string(Schedule schedule) {
  switch (schedule) {
    case Schedule::constant:
      return "constant";
    case Schedule::cosine:
      return "cosine";
    case Schedule::steps:
      break;
  }
  return "steps";
}

BatchGradient batch_gradient(const Network& network, const Samples& samples,
                             const Objective& objective, const Tensor& starts) {
  const auto count = static_cast<double>(samples.count());
  const Tensor begins = starts.defined() ? starts : samples.images;
  const Tensor inputs = objective.attack ? at::zeros_like(samples.images) : samples.images;
  CountedPasses passes(network);
  Tensors sums = sum_shares(chunks_of(network, samples.count()), [&](int64_t begin, int64_t end) {
    const Samples part = samples.slice(begin, end);
    Tensor x = part.images;
    if (objective.attack) {
      x = climb(passes, part, begins.slice(0, begin, end), *objective.attack);
      inputs.slice(0, begin, end).copy_(x);
    }
    const Pass pass = forward(network, x, Keep::inputs);
    const LossAt loss = objective.loss.at(pass.logits, part.labels, {});
    Tensors piece = weight_gradient(network, pass, loss.gradient / count);
    piece.push_back(loss.value.sum(at::kDouble));
    piece.push_back(pass.logits.argmax(1).eq(part.labels).sum());
    return piece;
  });
  BatchGradient total;
  total.inputs = inputs;
  total.correct = sums.back().item<int64_t>();
  sums.pop_back();
  total.loss_sum = sums.back().item<double>();
  sums.pop_back();
  total.parameters = std::move(sums);
  return total;
}

Tensor BatchGradient::flat() const {
  Tensors rows;
  for (const Tensor& part : parameters) rows.push_back(part.flatten());
  return at::cat(rows);
}

bool is_dead(const Network& network, const Samples& samples) {
  const Tensor z = logits(network, samples.images);
  return z.size(0) > 1 && z.eq(z.slice(0, 0, 1)).all().item<bool>();
}

int64_t total_steps(const TrainingOptions& options, int64_t samples) {
  return options.epochs * ((samples + options.batch_size - 1) / options.batch_size);
}

TrainingState train(const TrainingState& start, const Samples& samples,
                    const TrainingOptions& options, const TrainingHooks& hooks) {
  const std::optional<GradientAscent>& attack = options.objective.attack;
  if (options.carry && !(attack && attack->ball)) {
    throw Error("perturbations can be carried on for attacks in a ball only: use pgd or fgsm");
  }
  require_images(options.augmentation, start.network.input_shape());
  if (options.carry && !options.augmentation.none()) {
    throw Error("perturbations cannot be carried on to another crop or flip of their image");
  }
  const int64_t total = total_steps(options, samples.count());
  const int64_t steps_per_epoch = total / options.epochs;
  if (start.carried.defined() && start.carried.sizes() != samples.images.sizes()) {
    throw Error("the perturbations that are carried on belong to other images");
  }
  TrainingState state = copy_of(start);
  const auto save = [&] {
    if (hooks.checkpoint) hooks.checkpoint(state);
  };
  int64_t shuffled_epoch = -1;
  Tensor order;
  while (state.step < total) {
    const int64_t epoch = state.step / steps_per_epoch;
    const int64_t batch = state.step % steps_per_epoch;
    if (epoch != shuffled_epoch) {
      const auto place = static_cast<std::uint64_t>(epoch);
      order = at::randperm(samples.count(), make_generator(options.seed, {order_stream, place}),
                           at::kLong)
                  .to(samples.images.device());
      shuffled_epoch = epoch;
    }
    const int64_t begin = batch * options.batch_size;
    const Tensor places =
        order.slice(0, begin, std::min(begin + options.batch_size, samples.count()));
    Samples batch_samples = samples.rows(places);
    if (!options.augmentation.none()) {
      const auto place = static_cast<std::uint64_t>(epoch);
      batch_samples = batch_samples.with_images(
          augmented(batch_samples, options.augmentation,
                    derive_seed(options.seed, {augmentation_stream, place})));
    }
    BatchGradient result;
    try {
      result = batch_gradient(state.network, batch_samples, options.objective,
                              starts_of(state, options, batch_samples, places));
      if (options.carry && divides()) result.inputs = sum_over_processes({result.inputs}).front();
    } catch (const Interrupted&) {
      save();  // the batch that was cut short has left no trace in the state
      throw;
    }
    const double rate = learning_rate_at(options, state.step, total);
    if (!std::isfinite(result.loss_sum)) {
      throw Diverged("the loss is not finite at step " + std::to_string(state.step) +
                     " with learning rate " + std::to_string(rate) + "; try a lower --lr");
    }
    descend(state, result.parameters, options, rate);
    if (options.carry) carry(state, places, result.inputs - batch_samples.images, samples.images);
    state.loss_sum += result.loss_sum;
    state.correct_sum += result.correct;
    ++state.step;
    const bool epoch_ends = state.step % steps_per_epoch == 0;
    if (epoch_ends) {
      const auto n = static_cast<double>(samples.count());
      nlohmann::json line{{"epoch", epoch + 1},
                          {"step", state.step},
                          {"learning_rate", rate},
                          {"loss", state.loss_sum / n},
                          {"accuracy", static_cast<double>(state.correct_sum) / n}};
      if (hooks.held_out) line["held_out_accuracy"] = hooks.held_out(state.network);
      state.metrics += line.dump() + "\n";
      state.loss_sum = 0;
      state.correct_sum = 0;
    }
    try {
      if (hooks.after_step) hooks.after_step(state, rate);
    } catch (const Interrupted&) {
      save();  // the step is whole, whatever the hook had left to do
      throw;
    }
    if (hooks.progress) hooks.progress(state.step, total);
    if (epoch_ends) save();
  }
  return state;
}

}  // namespace reluctance
