// Adversarial training of the cnn against the same with autograd and torch::optim::SGD.
#include "autograd/training.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "comparison.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/network/passes.hpp"
#include "setting.hpp"

namespace reluctance::benchmarks {
namespace {

constexpr int64_t samples = 6000;
constexpr int64_t attack_steps = 7;
constexpr double radius = 0.1;
constexpr double step_size = 2.5 * radius / attack_steps;

TrainingOptions options() {
  PgdOptions pgd;
  pgd.ball = {Norm::linf, radius};
  pgd.steps = attack_steps;
  pgd.step_size = step_size;
  pgd.random_start = false;
  TrainingOptions training;
  training.epochs = 1;
  training.schedule = Schedule::constant;
  training.attack = pgd_attack(pgd);
  return training;
}

struct Problem {
  const Network& network = trained("cnn");
  Tensor x = images_of("train").images.slice(0, 0, samples);
  Tensor labels = images_of("train").labels.slice(0, 0, samples);

  Network ours(const Problem& p, const TrainingOptions& training) const {
    TrainingState state{network, {}, 0, 0, 0, {}};
    train(state, p.x, p.labels, training);
    return state.network;
  }
  Tensors rival(const Problem& p, const TrainingOptions& training) const {
    autograd::Model model(network);
    autograd::train_adversarially(model, p.x, p.labels, training, radius, step_size, attack_steps);
    return model.parameters();
  }
};

}  // namespace

void add_training_comparisons() {}

}  // namespace reluctance::benchmarks
