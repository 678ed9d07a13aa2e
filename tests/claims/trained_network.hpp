// A small trained network and the images it was trained on, for the tests of whole claims: on
// random weights gates and negative curvature rule.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/network/architectures.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

struct TrainedSetting {
  static constexpr int64_t samples = 120;

  TrainedSetting() {
    at::manual_seed(9);
    // Six overlapping clouds in the unit cube.
    const Tensor centres = at::rand({6, 20}) * 0.5 + 0.25;
    labels = at::randint(6, {samples}, at::kLong);
    images = (centres.index_select(0, labels) + 0.2 * at::randn({samples, 20})).clamp(0, 1);
    ArchitectureOptions options;
    options.input_shape = {20};
    options.hidden = {40, 30};
    options.classes = 6;
    TrainingState state{make_network(options), {}, 0, 0, 0, {}};
    TrainingOptions training;
    training.epochs = 60;
    training.batch_size = 20;
    training.learning_rate = 0.02;
    train(state, images, labels, training);
    network = state.network;
  }

  Tensor images, labels;
  Network network{Shape{20}};
};

}  // namespace reluctance
