#include "autograd/training.hpp"

#include <ATen/ATen.h>
#include <torch/optim/sgd.h>

#include <algorithm>

#include "autograd/attacks.hpp"

namespace reluctance::autograd {

double train_adversarially(Model& network, const Tensor& images, const Tensor& labels,
                           const TrainingOptions& options, double radius, double step_size,
                           int64_t attack_steps) {
  const int64_t samples = images.size(0);
  for (Tensor& parameter : network.parameters()) parameter.requires_grad_();
  torch::optim::SGD optimizer(network.parameters(), torch::optim::SGDOptions(options.learning_rate)
                                                        .momentum(options.momentum)
                                                        .weight_decay(options.weight_decay));
  double loss_sum = 0;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    loss_sum = 0;
    const Tensor order = at::randperm(samples, at::kLong);
    for (int64_t begin = 0; begin < samples; begin += options.batch_size) {
      const Tensor indices = order.slice(0, begin, std::min(begin + options.batch_size, samples));
      const Tensor y = labels.index_select(0, indices);
      const Tensor x =
          pgd_linf(network, images.index_select(0, indices), y, radius, step_size, attack_steps);
      optimizer.zero_grad();
      const Tensor loss = at::cross_entropy_loss(network.logits(x), y);
      loss.backward();
      optimizer.step();
      loss_sum += loss.item<double>() * static_cast<double>(indices.numel());
    }
  }
  return loss_sum / static_cast<double>(samples);
}

}  // namespace reluctance::autograd
