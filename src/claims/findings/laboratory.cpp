#include "claims/findings/laboratory.hpp"

#include <ATen/ATen.h>

#include <cctype>
#include <cmath>
#include <sstream>

#include "reluctance/base/random.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

std::string key_of(const Recipe& recipe) {
  std::ostringstream key;
  key.precision(17);
  for (const int64_t width : recipe.hidden) key << width << " ";
  key << recipe.classes << " " << to_string(recipe.ball.norm) << " " << recipe.ball.radius << " "
      << recipe.single_step << " " << recipe.images << " " << recipe.epochs << " "
      << recipe.learning_rate << " " << recipe.weight_decay << " " << recipe.label_smoothing << " "
      << recipe.repetition;
  return key.str();
}

std::optional<GradientAscent> attack_of(const Recipe& recipe) {
  if (recipe.ball.radius == 0) return std::nullopt;
  if (recipe.single_step) return fgsm_attack(recipe.ball.radius, /*random_start=*/false);
  PgdOptions pgd;
  pgd.ball = recipe.ball;
  pgd.steps = 5;
  return pgd_attack(pgd);
}

}  // namespace

Network Laboratory::subject() {
  if (setting_.network) return setting_.network->to(at::kDouble);
  Recipe recipe;
  recipe.ball = {Norm::linf, usual_linf};
  return trained(recipe).to(at::kDouble);
}

Network Laboratory::trained(const Recipe& recipe) {
  const std::string key = key_of(recipe);
  const auto found = trained_.find(key);
  if (found != trained_.end()) return found->second;
  return trained_.emplace(key, trained_on(training(recipe.images), recipe)).first->second;
}

TrainingOptions Laboratory::options_of(const Recipe& recipe) const {
  TrainingOptions options;
  options.epochs = recipe.epochs;
  options.learning_rate = recipe.learning_rate;
  options.weight_decay = recipe.weight_decay;
  options.objective.loss = cross_entropy_loss(recipe.label_smoothing);
  options.objective.attack = attack_of(recipe);
  options.seed = derive_seed(setting_.seed, {recipe.repetition});
  return options;
}

TrainingState Laboratory::start_of(const Recipe& recipe) const {
  ArchitectureOptions architecture;
  architecture.name = recipe.hidden.empty() ? "linear" : "mlp";
  architecture.hidden = recipe.hidden;
  architecture.input_shape = setting_.training.images.sizes().slice(1).vec();
  architecture.classes = recipe.classes > 0 ? recipe.classes : setting_.classes;
  architecture.seed = derive_seed(setting_.seed, {recipe.repetition});
  return {make_network(architecture), {}, 0, 0, 0, {}};
}

Network Laboratory::trained_on(const Samples& samples, const Recipe& recipe) const {
  return train(start_of(recipe), samples, options_of(recipe)).network;
}

void Laboratory::repeat(const std::function<void(std::uint64_t repetition)>& body) const {
  for (int64_t k = 0; k < setting_.repetitions; ++k) {
    check_interrupt();
    body(static_cast<std::uint64_t>(k));
  }
}

double clean_share(const Network& network, const Samples& samples) {
  return clean_accuracy(network, samples).value;
}

double robust_share(const Network& network, const Samples& samples, const Ball& ball) {
  PgdOptions pgd;
  pgd.ball = ball;
  return robust_accuracy(network, samples, as_attack(pgd_attack(pgd))).value;
}

double largest_curvature(const Network& network, const Samples& samples, const Ball& ball) {
  const Network precise = network.to(at::kDouble);
  Objective objective;
  if (ball.radius > 0) objective.attack = plain_pgd(ball, 10);
  const FeltCurvature felt(precise, as_inputs(precise, samples), objective);
  return largest_eigenvalue(felt.effective());
}

double trend(const std::vector<double>& x, const std::vector<double>& y) {
  const Tensor a = at::tensor(x, at::kDouble);
  const Tensor centred = a - a.mean();
  return ((centred * at::tensor(y, at::kDouble)).sum() / centred.square().sum()).item<double>();
}

}  // namespace reluctance
