// A perturbation as a displacement of the weights, against the real loss and the real gradient.
#include "reluctance/theory/displacement.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "reluctance/measure/training_step.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class Displacements : public RandomRegion {
 protected:
  Displacements() : subject_(with_first_layer(network())) {
    delta_ = attacked_images(network(), samples_, raw(strength_inside_the_region(3), 3)) - images();
    // Short, so that the first order leads where no gate bounds the region.
    delta_ = delta_ * std::min(1.0, 0.01 / delta_.norm().item<double>());
  }

  Samples one(int64_t i) const { return samples_.slice(i, i + 1); }
  Displacement of(int64_t i, double scale = 1) const {
    return displacement(subject_, one(i), scale * delta_.slice(0, i, i + 1), loss());
  }

  // Of the first parameter at the image moved by a part of its perturbation.
  Tensor real_gradient(int64_t i, double scale) const {
    const Tensor there = one(i).images + scale * delta_.slice(0, i, i + 1);
    const Tensor all = parameter_gradients(subject_, one(i).with_images(there), loss());
    const Tensor weight = subject_.parameters()[0];
    return all[0].slice(0, 0, weight.numel()).view(weight.sizes());
  }

  Network subject_;
  Tensor delta_;
};

TEST_P(Displacements, ALayerInFrontChangesNothing) {
  EXPECT_LT(relative_error(logits(subject_, images()), region_.logits), 1e-13);
}

TEST_P(Displacements, OfTheWeightsIsThatOfTheImage) {
  for (int64_t i = 0; i < count; ++i) {
    Tensors parameters = subject_.parameters();
    parameters[0] = parameters[0] + of(i).weight;
    Network displaced = subject_;
    displaced.set_parameters(parameters);
    const Tensor there = one(i).images + delta_.slice(0, i, i + 1);
    EXPECT_LT(relative_error(logits(displaced, one(i).images), logits(subject_, there)), 1e-12);
  }
}

// What is left out is of second order: a quarter of it for half the perturbation.
TEST_P(Displacements, GiveTheGradientAtTheAttackedImageToFirstOrder) {
  for (int64_t i = 0; i < count; ++i) {
    const auto error = [&](double scale) {
      return (of(i, scale).gradient - real_gradient(i, scale)).norm().item<double>();
    };
    const double scale = real_gradient(i, 0).norm().item<double>();
    const double whole = error(1);
    EXPECT_LE(error(0.5), 0.3 * whole + 1e-10 * scale) << i;
    EXPECT_LE(error(0.25), 0.08 * whole + 1e-10 * scale) << i;
  }
}

TEST_P(Displacements, ShareIsThatOfTheHessiansProduct) {
  // H_WW DW by central differences of the gradient in the displaced weight.
  const Displacement found = of(0);
  const auto gradient = [&](double step) {
    Tensors parameters = subject_.parameters();
    parameters[0] = parameters[0] + step * found.weight;
    Network displaced = subject_;
    displaced.set_parameters(parameters);
    return parameter_gradients(displaced, one(0), loss())[0].slice(0, 0, found.weight.numel());
  };
  const Tensor curved = (gradient(1e-3) - gradient(-1e-3)) / 2e-3;
  const double expected = (curved.norm() / gradient(0).norm()).item<double>();
  EXPECT_NEAR(found.share, expected, 1e-5 * expected);
}

INSTANTIATE_TEST_SUITE_P(Networks, Displacements, all_pairs(), name_of);

}  // namespace
}  // namespace reluctance
