// The raw attack on the real network, and the strength that fools a share of the samples.
#include "reluctance/measure/raw_attack.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/partly_wrong.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/measure/accuracy.hpp"

namespace reluctance {
namespace {

TEST(RawAttack, MeasuresWhatTheAttackDid) {
  const auto [network, samples] = partly_wrong_subject();
  const RawAttackResult result =
      measure_raw_attack(network, samples, at::full({samples.count()}, 3.0, at::kDouble), 10);
  const Tensor attacked = attacked_images(network, samples, raw_attack(3.0, 10));
  EXPECT_TRUE(at::allclose(samples.images + result.delta, attacked));
  EXPECT_TRUE(at::equal(result.predictions.eq(samples.labels),
                        correct(network, samples.with_images(attacked))));
  CountedPasses passes(network);
  EXPECT_TRUE(at::allclose(result.gradient, input_gradient(passes, samples.with_images(attacked),
                                                           cross_entropy_loss())));
}

TEST(RawAttack, TheStrengthThatFoolsHalfFoolsHalf) {
  const auto [network, samples] = partly_wrong_subject();
  const double beta = strength_that_fools(network, samples, 10, 0.5);
  const Tensor right = correct(network, samples);
  const auto fooled = [&, &network = network, &samples = samples](double strength) {
    const Tensor attacked = attacked_images(network, samples, raw_attack(strength, 10));
    const Tensor success = correct(network, samples.with_images(attacked)).logical_not();
    return success.logical_and(right).sum().item<double>() / right.sum().item<double>();
  };
  EXPECT_GE(fooled(beta), 0.5);
  EXPECT_LT(fooled(beta / 1.05), 0.5);
}

TEST(RawAttack, EachSampleHasItsOwnSmallestFoolingStrength) {
  const auto [network, samples] = partly_wrong_subject();
  const Tensor strengths = fooling_strengths(network, samples, 10);
  EXPECT_TRUE(at::equal(strengths.isfinite(), correct(network, samples)));
  const Samples right = samples.rows(strengths.isfinite().nonzero().squeeze(1));
  const Tensor own = strengths.masked_select(strengths.isfinite());
  const auto fooled = [&, &network = network](const Tensor& beta) {
    return measure_raw_attack(network, right, beta, 10).predictions.ne(right.labels);
  };
  EXPECT_TRUE(fooled(own).all().item<bool>());
  // The strength below that was tried. Even less may fool again: gates flip on the way.
  EXPECT_FALSE(fooled(own / std::pow(10., 1. / 128)).any().item<bool>());
  EXPECT_GT((own.max() / own.min()).item<double>(), 2) << "all alike";
}

TEST(RawAttack, ClimbsTheLossThatItIsTold) {
  const auto [network, samples] = partly_wrong_subject();
  const Loss loss = squared_error_loss();
  const Tensor strengths = fooling_strengths(network, samples, 10, {}, loss);
  const Samples right = samples.rows(strengths.isfinite().nonzero().squeeze(1));
  ASSERT_GT(right.count(), 0);
  const Tensor own = strengths.masked_select(strengths.isfinite());
  const RawAttackResult result = measure_raw_attack(network, right, own, 10, loss);
  EXPECT_TRUE(result.predictions.ne(right.labels).all().item<bool>());
  GradientAscent first = raw_attack(own[0].item<double>(), 10);
  first.loss = loss;
  EXPECT_TRUE(at::allclose(right.images.slice(0, 0, 1) + result.delta.slice(0, 0, 1),
                           attacked_images(network, right.slice(0, 1), first)));
}

TEST(RawAttack, ANetworkThatCannotBeFooledIsSaidSo) {
  Network constant({3});
  constant.append(linear_layer(),
                  {at::zeros({2, 3}, at::kDouble), at::tensor({1.0, 0.0}, at::kDouble)});
  const Samples samples(at::rand({10, 3}, at::kDouble), at::zeros({10}, at::kLong));
  EXPECT_EQ(strength_that_fools(constant, samples, 5, 0.5), largest_strength);
  EXPECT_TRUE(fooling_strengths(constant, samples, 5).isnan().all().item<bool>());
}

}  // namespace
}  // namespace reluctance
