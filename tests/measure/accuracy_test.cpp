// How often the network is right, on clean and on attacked images.
#include "reluctance/measure/accuracy.hpp"

#include <gtest/gtest.h>

#include "measure/partly_wrong.hpp"
#include "reluctance/attack/gradient_ascent.hpp"

namespace reluctance {
namespace {

TEST(Accuracy, CountsWrongImagesAsFallen) {
  const auto [network, samples] = partly_wrong_subject();
  EXPECT_DOUBLE_EQ(clean_accuracy(network, samples).value, 0.9);
  PgdOptions options;
  options.ball = {Norm::linf, 0.1};
  const Attack attack = as_attack(pgd_attack(options));
  const EnsembleResult result = run_ensemble(network, samples, {{attack}});
  EXPECT_DOUBLE_EQ(result.clean.value, 0.9);
  const Tensor right = correct(network, samples.with_images(result.adversarial));
  EXPECT_DOUBLE_EQ(result.robust.value, right.to(at::kDouble).mean().item<double>());
  EXPECT_GT(result.robust.value, 0);
  EXPECT_LT(result.robust.value, 0.9);
  EXPECT_TRUE(result.felled_by.slice(0, 0, 6).eq(EnsembleResult::wrong).all().item<bool>());
  EXPECT_TRUE(at::equal(result.adversarial.slice(0, 0, 6), samples.images.slice(0, 0, 6)));
  // The one number is that of the ensemble.
  const Share robust = robust_accuracy(network, samples, attack);
  EXPECT_EQ(robust.value, result.robust.value);
  EXPECT_EQ(robust.low, result.robust.low);
  EXPECT_EQ(robust.samples, 60);
}

}  // namespace
}  // namespace reluctance
