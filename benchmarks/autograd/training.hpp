// Adversarial training as a user of LibTorch writes it.
#pragma once

#include "autograd/network.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance::autograd {

// Trains with PGD in L-infinity without random start and torch::optim::SGD at a constant learning
// rate. Epochs, batch size, rates and seed are those of `options`. Returns the mean loss of the
// last epoch, as trained on.
double train_adversarially(Model& network, const Tensor& images, const Tensor& labels,
                           const TrainingOptions& options, double radius, double step_size,
                           int64_t attack_steps);

}  // namespace reluctance::autograd
