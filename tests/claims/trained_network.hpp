// A small trained network and the images it was trained on, for the tests of whole claims: on
// random weights gates and negative curvature rule.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/network/architectures.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

struct TrainedSetting {
  static constexpr int64_t count = 120;

  TrainedSetting() {
    at::manual_seed(9);
    // Six overlapping clouds in the unit cube.
    const Tensor centres = at::rand({6, 20}) * 0.5 + 0.25;
    const Tensor labels = at::randint(6, {count}, at::kLong);
    const Tensor noise = 0.2 * at::randn({count, 20});
    samples = Samples((centres.index_select(0, labels) + noise).clamp(0, 1), labels);
    ArchitectureOptions options;
    options.input_shape = {20};
    options.hidden = {40, 30};
    options.classes = 6;
    TrainingOptions training;
    training.epochs = 60;
    training.batch_size = 20;
    training.learning_rate = 0.02;
    network = train({make_network(options), {}, 0, 0, 0, {}}, samples, training).network;
  }

  Samples samples;
  Network network{Shape{20}};
};

}  // namespace reluctance
