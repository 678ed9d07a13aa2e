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

TEST(AnsweredWrong, IsAnotherAnswer) {
  // At a draw the first of the highest logits is the answer.
  EXPECT_TRUE(at::equal(answered_wrong(three(), labels), at::tensor({0, 1, 1}).to(at::kBool)));
}

TEST(AnsweredWrong, WhatIsNoNumberIsNoAnswer) {
  for (double bad : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
    for (int64_t place = 0; place < 3; ++place) {
      Tensor logits = three();
      logits.select(1, place).fill_(bad);
      EXPECT_FALSE(answered_wrong(logits, labels).any().item<bool>()) << bad << " at " << place;
    }
  }
}

}  // namespace
}  // namespace reluctance
