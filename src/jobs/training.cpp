#include "reluctance/jobs/training.hpp"

#include <string>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/jobs/eigenpairs.hpp"

namespace reluctance {

Objective objective_of(const AttackOptions& attack, double label_smoothing) {
  const bool cross_entropy = attack.loss == cross_entropy_loss().name;
  Objective objective;
  objective.loss = cross_entropy ? cross_entropy_loss(label_smoothing) : loss_named(attack.loss);
  if (!objective.loss.hessian_factor) {
    throw Error("--loss " + attack.loss +
                " is not trained on; choose cross-entropy or squared-error");
  }
  if (!cross_entropy && label_smoothing > 0) {
    throw Error("--label-smoothing has no effect on --loss " + attack.loss);
  }
  AttackOptions alone = attack;
  std::erase(alone.given, "--loss");  // the loss is that of the training, too
  objective.attack = make_optional_attack(attack.attack == "none" ? alone : attack);
  return objective;
}

DiagnosisOptions diagnosis_of(const TrainingOptions& training, int64_t every, double memory) {
  DiagnosisOptions options;
  options.every = every;
  options.objective = training.objective;
  const std::optional<GradientAscent>& attack = training.objective.attack;
  if (attack) options.objective.loss = attack->loss;  // which has no smoothed labels
  options.momentum = training.momentum;
  options.seed = training.seed;
  options.memory = curvature_memory(memory);
  return options;
}

void settle_step_size(const TrainingOptions& training, AttackOptions& attack) {
  if (training.carry && attack.step_size == 0) {
    attack.step_size = attack.epsilon / static_cast<double>(attack.steps);
  }
}

}  // namespace reluctance
