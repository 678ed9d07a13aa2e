// What a step of training does to the input gradient, by formula, against a real step.
#include "reluctance/theory/training_effect.hpp"

#include <gtest/gtest.h>

#include "reluctance/measure/training_step.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class TrainingEffects : public RandomRegion {
 protected:
  TrainingEffects() {
    const double beta = strength_inside_the_region(5);
    attacked_ = attacked_images(network(), samples_, raw(beta, 5));
    u_ = at::randn({count, network().classes()}, at::kDouble);
  }

  Tensor predicted() const {
    return training_effects(network(), samples_, attacked_ - images(), u_, loss());
  }

  // At rate zero: a step of half the rate errs by half as much.
  Tensor measured(std::optional<std::size_t> parameter = {}) const {
    const auto at_rate = [&](double rate) {
      return measure_training_effects(network(), samples_, attacked_, u_, loss(),
                                      {rate, parameter});
    };
    return 2 * at_rate(1e-6) - at_rate(2e-6);
  }

  Tensor attacked_, u_;
};

TEST_P(TrainingEffects, EqualARealStepInsideTheRegion) {
  EXPECT_LT(relative_error(predicted().sum(1), measured()), 1e-6);
}

TEST_P(TrainingEffects, OfTheCleanImageAreThoseOfPlainTraining) {
  attacked_ = images();
  EXPECT_LT(relative_error(predicted().sum(1), measured()), 1e-6);
}

TEST_P(TrainingEffects, AreThePartsOfTheParameters) {
  const Tensor parts = predicted();
  const double scale = parts.abs().max().item<double>();
  for (std::size_t k = 0; k < network().parameters().size(); ++k) {
    const Tensor error = parts.select(1, static_cast<int64_t>(k)) - measured(k);
    EXPECT_LT(error.abs().max().item<double>(), 1e-6 * scale) << k;
  }
}

TEST_P(TrainingEffects, ComeFromTheGradientAtTheAttackedImage) {
  const Tensor expected = parameter_gradients(network(), samples_.with_images(attacked_), loss());
  const Tensor gradients = attacked_gradients(network(), samples_, attacked_ - images(), loss());
  EXPECT_LT(relative_error(gradients, expected), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Networks, TrainingEffects, all_pairs(), name_of);

}  // namespace
}  // namespace reluctance
