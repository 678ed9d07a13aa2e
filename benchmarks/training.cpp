// Adversarial training of the cnn against the same with autograd and torch::optim::SGD.
#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/training.hpp"
#include "comparison.hpp"
#include "reluctance/train/trainer.hpp"
#include "setting.hpp"

namespace reluctance::benchmarks {
namespace {

constexpr int64_t count = 6000;
constexpr int64_t attack_steps = 7;
constexpr double radius = 0.1;
constexpr double step_size = 2.5 * radius / attack_steps;

TrainingOptions pgd_training() {
  PgdOptions pgd;
  pgd.ball = {Norm::linf, radius};
  pgd.steps = attack_steps;
  pgd.step_size = step_size;
  pgd.random_start = false;
  TrainingOptions options;
  options.epochs = 1;
  options.schedule = Schedule::constant;
  options.objective.attack = pgd_attack(pgd);
  return options;
}

// What a training leaves: its weights in one row, and the mean loss of its last epoch.
struct Outcome {
  Tensor weights;
  double loss;
};

Tensor one_row(const Tensors& parameters) {
  Tensors rows;
  for (const Tensor& parameter : parameters) rows.push_back(parameter.detach().flatten());
  return at::cat(rows);
}

Outcome ours(const Samples& samples, const TrainingOptions& options) {
  const TrainingState state = train({trained("cnn"), {}, 0, 0, 0, {}}, samples, options);
  const std::size_t last = state.metrics.rfind('{');
  return {one_row(state.network.parameters()),
          nlohmann::json::parse(state.metrics.substr(last)).at("loss").get<double>()};
}

Outcome rival(const Samples& samples, const TrainingOptions& options) {
  autograd::Model model(trained("cnn"));
  const int64_t steps = options.objective.attack ? attack_steps : 0;
  const double loss = autograd::train_adversarially(model, samples.images, samples.labels, options,
                                                    radius, step_size, steps);
  return {one_row(model.parameters()), loss};
}

// How far the ways of the weights are apart, by their length, after steps on one and the same
// batch.
double apart(const Samples& samples, const TrainingOptions& options) {
  const Samples batch = samples.head(options.batch_size);
  const Tensor start = one_row(trained("cnn").parameters());
  const Tensor moved = ours(batch, options).weights - start;
  const Tensor rival_moved = rival(batch, options).weights - start;
  return ((moved - rival_moved).norm() / rival_moved.norm()).item<double>();
}

// Plain steps agree to rounding. In the attack, pixels whose gradient is almost zero go either way
// by rounding, and every step amplifies that. An epoch, in another random order, agrees on average.
std::vector<Difference> differences(const Samples& samples) {
  const TrainingOptions epoch = pgd_training();
  TrainingOptions plain = epoch;
  plain.objective.attack.reset();
  plain.epochs = 3;
  return {{"weights after three plain steps", apart(samples, plain), 1e-4},
          {"after one adversarial step", apart(samples, epoch), 0.01},
          {"mean loss of an epoch",
           std::abs(ours(samples, epoch).loss / rival(samples, epoch).loss - 1), 0.1}};
}

Sides sides() {
  const Samples samples = images_of("train").samples.head(count);
  const Network& network = trained("cnn");
  const double pass = forward_operations(network);
  return {[samples] { ours(samples, pgd_training()); },
          [samples] { rival(samples, pgd_training()); },
          differences(samples),
          {count * ((2 * attack_steps + 3) * pass - first_layer_operations(network)), 0},
          ""};
}

}  // namespace

void add_training_comparisons() {
  add({"training/pgd-7-cnn", "one PGD-7 adversarial epoch on 6,000 images, cnn, batches of 128",
       1.5, 7, sides});
}

}  // namespace reluctance::benchmarks
