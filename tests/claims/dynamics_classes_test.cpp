// Claim 1 on networks of many classes: what hardly has a probability is left out of the theory.
#include "claims/dynamics_classes.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr int64_t inputs = 30;
constexpr int64_t hidden = 25;
constexpr int64_t likely = 60;

// A network of `likely` classes and of others, in between them, that lie `below` under these.
Network network_with(int64_t others, double below) {
  at::manual_seed(12);
  const auto normal = [](at::IntArrayRef shape) { return at::randn(shape, at::kDouble); };
  const Tensor first = normal({hidden, inputs});
  const Tensor offset = normal({hidden});
  const Tensor last = normal({likely, hidden});
  const Tensor more = 0.01 * normal({others, hidden});
  const Tensor low = at::full({others}, -below, at::kDouble);
  const int64_t half = likely / 2;
  const Tensor none = at::zeros({half}, at::kDouble);
  Network network({inputs});
  network.append(linear_layer(), {first, offset});
  network.append(relu_layer());
  network.append(linear_layer(), {at::cat({last.slice(0, 0, half), more, last.slice(0, half)}),
                                  at::cat({none, low, none})});
  return network;
}

Samples answered(const Network& network) {
  at::manual_seed(13);
  const Tensor x = at::rand({20, inputs}, at::kDouble);
  return {x, logits(network, x).argmax(1)};
}

TEST(DynamicsClasses, WithoutWeightChangeNothing) {
  const Network narrow = network_with(0, 0);
  const Network wide = network_with(80, 90);
  const DynamicsOptions options{.steps = 20};
  const Tensor beta = at::full({20}, 0.05, at::kDouble);
  const DynamicsComparison expected = compare_dynamics(narrow, answered(narrow), beta, options);
  const DynamicsComparison found = compare_dynamics(wide, answered(wide), beta, options);
  EXPECT_EQ(expected.left_out, 0);
  EXPECT_GE(found.left_out, 80);
  for (const auto part : {&DynamicsComparison::delta_real, &DynamicsComparison::delta_region,
                          &DynamicsComparison::delta_quadratic}) {
    EXPECT_LT((found.*part - expected.*part).norm().item<double>(),
              1e-5 * (expected.*part).norm().item<double>());
  }
  EXPECT_TRUE(at::equal(found.fooled, expected.fooled));
  // The largest one, up to the weight that was left out.
  EXPECT_TRUE(
      at::allclose(found.eigenvalues.select(1, 0), expected.eigenvalues.select(1, 0), 1e-4, 1e-5));
}

TEST(DynamicsClasses, AreKeptWhereSomeSampleNeedsThemOrHasTheirLabel) {
  const Network wide = network_with(80, 90);
  Samples samples = answered(wide);
  samples.labels[7] = likely / 2 + 3;  // one of the others
  const Followed followed = followed_classes(wide, samples, {});
  const Tensor all = logits(wide, samples.images).softmax(1);
  const Tensor kept = logits(followed.network, samples.images);
  // What is kept holds all but a millionth of the probability.
  const Tensor lost = 1 - (kept.exp().sum(1) / logits(wide, samples.images).exp().sum(1));
  EXPECT_LE(lost.max().item<double>(), 1e-6);
  EXPECT_EQ(kept.size(1) + followed.left_out, all.size(1));
  // The label's logit is that of the whole network.
  const auto of_label = [](const Tensor& z, const Tensor& labels) {
    return z.gather(1, labels.unsqueeze(1));
  };
  EXPECT_TRUE(at::equal(of_label(kept, followed.samples.labels),
                        of_label(logits(wide, samples.images), samples.labels)));
}

TEST(DynamicsClasses, TheWholeClaimIsTestedWithoutTheOthers) {
  const Network wide = network_with(80, 90);
  const DynamicsResult result =
      test_dynamics(wide, answered(wide), {.steps = 10, .strengths = 3, .examples = 2});
  EXPECT_GE(result.left_out, 80);
  EXPECT_NE(result.outcome.summary.find("leaves out " + std::to_string(result.left_out)),
            std::string::npos);
  EXPECT_EQ(result.spectrum.size(), static_cast<std::size_t>(likely + 80 - result.left_out - 1));
}

TEST(DynamicsClasses, ThatWouldNotFitAreRefusedWithANumber) {
  const Network network = network_with(80, 0);
  const Tensor beta = at::full({20}, 0.1, at::kDouble);
  const std::string message = error_of(
      [&] { compare_dynamics(network, answered(network), beta, {.steps = 5, .memory = 1000}); });
  EXPECT_NE(message.find(" of 140 classes"), std::string::npos) << message;
  EXPECT_NE(message.find("GiB"), std::string::npos) << message;
  EXPECT_NE(message.find("--memory"), std::string::npos) << message;
}

}  // namespace
}  // namespace reluctance
