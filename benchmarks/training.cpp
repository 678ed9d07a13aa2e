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

constexpr int64_t samples = 6000;
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
  options.attack = pgd_attack(pgd);
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

Outcome ours(const Tensor& x, const Tensor& labels, const TrainingOptions& options) {
  TrainingState state{trained("cnn"), {}, 0, 0, 0, {}};
  train(state, x, labels, options);
  const std::size_t last = state.metrics.rfind('{');
  return {one_row(state.network.parameters()),
          nlohmann::json::parse(state.metrics.substr(last)).at("loss").get<double>()};
}

Outcome rival(const Tensor& x, const Tensor& labels, const TrainingOptions& options) {
  autograd::Model model(trained("cnn"));
  const double loss =
      autograd::train_adversarially(model, x, labels, options, radius, step_size, attack_steps);
  return {one_row(model.parameters()), loss};
}

// The samples of one batch come in any order, so that three steps on it are comparable to the
// digit; a whole epoch in another random order is so only on average.
std::vector<Difference> differences(const Tensor& x, const Tensor& labels) {
  TrainingOptions options = pgd_training();
  const Outcome epoch = ours(x, labels, options);
  const Outcome rival_epoch = rival(x, labels, options);
  options.epochs = 3;
  const Tensor batch = x.slice(0, 0, options.batch_size);
  const Tensor y = labels.slice(0, 0, options.batch_size);
  const Tensor start = one_row(trained("cnn").parameters());
  const Tensor way = ours(batch, y, options).weights - start;
  const Tensor rival_way = rival(batch, y, options).weights - start;
  return {{"change of the weights in three steps",
           ((way - rival_way).norm() / rival_way.norm()).item<double>(), 0.01},
          {"mean loss of an epoch", std::abs(epoch.loss / rival_epoch.loss - 1), 0.05}};
}

Sides sides() {
  const Tensor x = images_of("train").images.slice(0, 0, samples);
  const Tensor labels = images_of("train").labels.slice(0, 0, samples);
  const Network& network = trained("cnn");
  const double pass = forward_operations(network);
  return {[x, labels] { ours(x, labels, pgd_training()); },
          [x, labels] { rival(x, labels, pgd_training()); },
          differences(x, labels),
          {samples * ((2 * attack_steps + 3) * pass - first_layer_operations(network)), 0}};
}

}  // namespace

void add_training_comparisons() {
  add({"training/pgd-7-cnn", "one PGD-7 adversarial epoch on 6,000 images, cnn, batches of 128",
       1.5, 7, sides});
}

}  // namespace reluctance::benchmarks
