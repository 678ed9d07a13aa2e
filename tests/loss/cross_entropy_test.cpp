// Cross-entropy against autograd and against the identities of its Hessian factor.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

struct Case {
  Tensor logits, labels;
};

// Random logits from flat to nearly certain.
Case make_case(double scale) {
  at::manual_seed(7);
  return {at::randn({12, 5}, at::kDouble) * scale, at::randint(5, {12}, at::kLong)};
}

class CrossEntropy : public testing::TestWithParam<double> {};

TEST_P(CrossEntropy, ValueAndGradientEqualAutograd) {
  const auto [logits, labels] = make_case(GetParam());
  const Tensor z = logits.clone().requires_grad_();
  const Tensor expected = at::cross_entropy_loss(z, labels, {}, at::Reduction::None);
  const Tensor gradient = torch::autograd::grad({expected.sum()}, {z})[0];
  EXPECT_TRUE(at::allclose(cross_entropy(logits, labels), expected, 1e-12, 1e-14));
  EXPECT_TRUE(at::allclose(logit_gradient(logits, labels), gradient, 1e-12, 1e-14));
}

TEST_P(CrossEntropy, GradientSumsToZero) {
  const auto [logits, labels] = make_case(GetParam());
  EXPECT_LT(logit_gradient(logits, labels).sum(1).abs().max().item<double>(), 1e-14);
}

TEST_P(CrossEntropy, FactorSquaresToTheHessian) {
  const auto [logits, labels] = make_case(GetParam());
  const Tensor p = at::softmax(logits, 1);
  const Tensor hessian = at::diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1);
  const Tensor factor = logit_hessian_factor(logits);
  EXPECT_TRUE(at::allclose(at::bmm(factor, factor.transpose(1, 2)), hessian, 1e-12, 1e-14));
}

TEST_P(CrossEntropy, FactorMapsScaledGradientToTheGradient) {
  const auto [logits, labels] = make_case(GetParam());
  const Tensor s = logit_gradient(logits, labels);
  const Tensor w = s / (0.5 * at::log_softmax(logits, 1)).exp();
  const Tensor mapped = at::bmm(logit_hessian_factor(logits), w.unsqueeze(2)).squeeze(2);
  EXPECT_TRUE(at::allclose(mapped, s, 1e-10, 1e-12));
}

INSTANTIATE_TEST_SUITE_P(Scales, CrossEntropy, testing::Values(0.0, 1.0, 5.0, 15.0));

TEST(CrossEntropy, ConfidentSamplesKeepTheirDigits) {
  // p_y = 1 - 1e-12 or so: p_y - 1 in float32 would be exactly zero.
  const Tensor logits = at::tensor({27.0f, 0.0f}).unsqueeze(0);
  const Tensor s = logit_gradient(logits, at::zeros({1}, at::kLong));
  EXPECT_NEAR(s[0][0].item<float>() / -1.879529e-12f, 1.0, 1e-5);
}

}  // namespace
}  // namespace reluctance
