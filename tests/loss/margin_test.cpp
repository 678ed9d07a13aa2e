// Margins: how far an answer is from being another one.
#include "reluctance/loss/margin.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace reluctance {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const Tensor labels = at::tensor({0, 1, 2}, at::kLong);

Tensor three() {
  return at::tensor({3.0, 1.0, 2.5,   //
                     0.5, -2.0, 4.0,  //
                     1.0, -7.0, 1.0},
                    at::kDouble)
      .view({3, 3});
}

TEST(Margins, AreAboveZeroWhereTheLabelIsAnswered) {
  EXPECT_TRUE(at::equal(margins(three(), labels), at::tensor({0.5, -6.0, 0.0}, at::kDouble)));
}

TEST(Margins, OthersLeaveTheLabelOut) {
  const Tensor others = other_logits(three(), labels);
  const Tensor own = at::eye(3, at::kBool);
  EXPECT_TRUE(others.masked_select(own).eq(-infinity).all().item<bool>());
  EXPECT_TRUE(
      at::equal(others.masked_select(own.logical_not()), three().masked_select(own.logical_not())));
}

TEST(Margins, TheirDirectionRaisesTheTargetAndLowersTheLabel) {
  const Tensor targets = at::tensor({2, 0, 1}, at::kLong);
  const Tensor direction = margin_direction(three(), labels, targets);
  EXPECT_EQ(direction.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(direction, at::tensor({-1.0, 0.0, 1.0,  //
                                               1.0, -1.0, 0.0,  //
                                               0.0, 1.0, -1.0},
                                              at::kDouble)
                                       .view({3, 3})));
}

const Samples any{at::zeros({3, 1}), labels};

TEST(Succeeded, ByAnotherAnswer) {
  // At a draw the first of the highest logits is the answer.
  EXPECT_TRUE(at::equal(succeeded(three(), any), at::tensor({0, 1, 1}).to(at::kBool)));
  EXPECT_TRUE(at::equal(answers_as_wanted(three(), any), succeeded(three(), any)));
  EXPECT_TRUE(at::equal(margins(three(), any), margins(three(), labels)));
}

TEST(Succeeded, TowardsATargetByThatAnswerAlone) {
  const Samples to_the_first = any.towards(0);
  EXPECT_TRUE(at::equal(succeeded(three(), to_the_first), at::tensor({1, 0, 1}).to(at::kBool)));
  EXPECT_TRUE(at::equal(margins(three(), to_the_first), at::tensor({-0.5, 3.5, 0.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(succeeded(three(), any.towards(2)), at::tensor({0, 1, 0}).to(at::kBool)));
}

TEST(Succeeded, WhatIsNoNumberIsNoAnswer) {
  for (double bad : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
    for (int64_t place = 0; place < 3; ++place) {
      Tensor logits = three();
      logits.select(1, place).fill_(bad);
      EXPECT_FALSE(succeeded(logits, any).any().item<bool>()) << bad << " at " << place;
      for (int64_t target = 0; target < 3; ++target) {
        EXPECT_FALSE(succeeded(logits, any.towards(target)).any().item<bool>()) << bad;
      }
    }
  }
}

}  // namespace
}  // namespace reluctance
