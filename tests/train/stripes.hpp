// A small training: two classes of noisy stripes, learnable in a few steps.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "reluctance/network/architectures.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

inline Samples stripes(int64_t samples) {
  at::manual_seed(1);
  const Tensor labels = at::randint(2, {samples}, at::kLong);
  Tensor images = at::rand({samples, 1, 4, 4}) * 0.5;
  images.select(2, 1).add_(0.5 * labels.view({samples, 1, 1}));
  return {images, labels};
}

inline Network stripes_network(int64_t hidden = 8) {
  ArchitectureOptions options;
  options.input_shape = {1, 4, 4};
  options.hidden = {hidden};
  options.classes = 2;
  return make_network(options);
}

inline TrainingState untrained(const Network& network = stripes_network()) {
  return {network, {}, 0, 0, 0, {}};
}

inline TrainingOptions options_with_attack() {
  TrainingOptions options;
  options.epochs = 3;
  options.batch_size = 16;
  options.seed = 9;
  PgdOptions pgd;
  pgd.ball = {Norm::linf, 0.05};
  pgd.steps = 2;
  options.objective.attack = pgd_attack(pgd);
  return options;
}

inline void expect_same_parameters(const Network& a, const Network& b) {
  ASSERT_EQ(a.parameters().size(), b.parameters().size());
  for (std::size_t k = 0; k < a.parameters().size(); ++k) {
    EXPECT_TRUE(at::equal(a.parameters()[k], b.parameters()[k])) << k;
  }
}

}  // namespace reluctance
