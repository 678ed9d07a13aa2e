// The DLR losses against their formulas, autograd and the invariances they are made for.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "reluctance/base/error.hpp"
#include "reluctance/loss/dlr.hpp"

namespace reluctance {
namespace {

struct Towards {
  Tensor logits, labels, targets;
};

Towards towards_others() {
  at::manual_seed(5);
  const Tensor labels = at::randint(6, {40}, at::kLong);
  const Tensor targets = (labels + at::randint(1, 6, {40}, at::kLong)).remainder(6);
  return {at::randn({40, 6}, at::kDouble) * 3, labels, targets};
}

Tensor pick(const Tensor& z, const Tensor& classes) {
  return z.gather(1, classes.unsqueeze(1)).squeeze(1);
}

// The definitions, by sorting.
Tensor expected_dlr(const Tensor& z, const Tensor& labels) {
  const Tensor sorted = std::get<0>(z.sort(1, true));
  const Tensor right = z.argmax(1).eq(labels);
  const Tensor rival = at::where(right, sorted.select(1, 1), sorted.select(1, 0));
  return -(pick(z, labels) - rival) / (sorted.select(1, 0) - sorted.select(1, 2));
}

Tensor expected_targeted(const Tensor& z, const Tensor& labels, const Tensor& targets) {
  const Tensor sorted = std::get<0>(z.sort(1, true));
  return -(pick(z, labels) - pick(z, targets)) /
         (sorted.select(1, 0) - 0.5 * (sorted.select(1, 2) + sorted.select(1, 3)));
}

TEST(Dlr, ValueAndGradientEqualAutograd) {
  const auto [logits, labels, targets] = towards_others();
  const Tensor z = logits.clone().requires_grad_();
  const LossAt loss = dlr(logits, labels);
  const Tensor expected = expected_dlr(z, labels);
  EXPECT_TRUE(at::allclose(loss.value, expected, 1e-9, 1e-10));
  EXPECT_TRUE(at::allclose(loss.gradient, torch::autograd::grad({expected.sum()}, {z})[0], 1e-9));
}

TEST(Dlr, TargetedValueAndGradientEqualAutograd) {
  const auto [logits, labels, targets] = towards_others();
  const Tensor z = logits.clone().requires_grad_();
  const LossAt loss = targeted_dlr(logits, labels, targets);
  const Tensor expected = expected_targeted(z, labels, targets);
  EXPECT_TRUE(at::allclose(loss.value, expected, 1e-9, 1e-10));
  EXPECT_TRUE(at::allclose(loss.gradient, torch::autograd::grad({expected.sum()}, {z})[0], 1e-9));
}

TEST(Dlr, KnowsNeitherScaleNorShift) {
  const auto [logits, labels, targets] = towards_others();
  EXPECT_TRUE(at::allclose(dlr(logits, labels).value, dlr(7 * logits + 3, labels).value));
  EXPECT_TRUE(at::allclose(targeted_dlr(logits, labels, targets).value,
                           targeted_dlr(7 * logits + 3, labels, targets).value));
}

TEST(Dlr, IsPositiveWhereTheAnswerIsWrong) {
  const auto [logits, labels, targets] = towards_others();
  EXPECT_TRUE(at::equal(dlr(logits, labels).value.gt(0), logits.argmax(1).ne(labels)));
}

TEST(Dlr, EqualLogitsGiveFiniteNumbers) {
  const Tensor flat = at::ones({2, 5}, at::kDouble);
  EXPECT_TRUE(at::isfinite(dlr(flat, at::zeros({2}, at::kLong)).value).all().item<bool>());
}

TEST(Dlr, RefusesTooFewClasses) {
  const Tensor label = at::zeros({1}, at::kLong);
  const Tensor target = at::ones({1}, at::kLong);
  EXPECT_THROW(dlr(at::rand({1, 2}), label), Error);
  EXPECT_NO_THROW(dlr(at::rand({1, 3}), label));
  EXPECT_THROW(targeted_dlr(at::rand({1, 3}), label, target), Error);
  EXPECT_NO_THROW(targeted_dlr(at::rand({1, 4}), label, target));
}

}  // namespace
}  // namespace reluctance
