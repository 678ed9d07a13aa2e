// Random crops and flips: each image against every one that could have come of it.
#include "reluctance/train/augmentation.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error_of.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

constexpr int64_t crop = 2, height = 6, width = 5;

Samples images(int64_t count) {
  at::manual_seed(1);
  return {at::rand({count, 3, height, width}) + 0.1, at::zeros({count}, at::kLong)};
}

// Which of them the augmented image is: rows and columns that it has moved by, and whether it is
// mirrored. None of them: -1.
int outcome(const Tensor& before, const Tensor& after) {
  const Tensor padded = at::constant_pad_nd(before, {crop, crop, crop, crop});
  int found = 0;
  for (const bool mirrored : {false, true}) {
    for (int64_t row = 0; row <= 2 * crop; ++row) {
      for (int64_t column = 0; column <= 2 * crop; ++column, ++found) {
        const Tensor cut = padded.slice(1, row, row + height).slice(2, column, column + width);
        if (at::equal(after, mirrored ? cut.flip(2) : cut)) return found;
      }
    }
  }
  return -1;
}

TEST(Augmentation, IsOneOfTheCropsAndFlipsAndEachOfThemComes) {
  const Samples samples = images(1500);
  const Tensor all = augmented(samples, {crop, true}, 7);
  std::set<int> seen;
  for (int64_t i = 0; i < samples.count(); ++i) seen.insert(outcome(samples.images[i], all[i]));
  EXPECT_FALSE(seen.contains(-1));
  EXPECT_EQ(seen.size(), 2U * (2 * crop + 1) * (2 * crop + 1));
}

TEST(Augmentation, AloneEachDoesWhatItSays) {
  const Samples samples = images(200);
  const Tensor flipped = augmented(samples, {0, true}, 7);
  int64_t mirrored = 0;
  for (int64_t i = 0; i < samples.count(); ++i) {
    const bool same = at::equal(flipped[i], samples.images[i]);
    EXPECT_TRUE(same || at::equal(flipped[i], samples.images[i].flip(2)));
    mirrored += !same;
  }
  EXPECT_GT(mirrored, 60);
  EXPECT_LT(mirrored, 140);
  const Tensor cropped = augmented(samples, {crop, false}, 7);
  for (int64_t i = 0; i < samples.count(); ++i) {
    EXPECT_LT(outcome(samples.images[i], cropped[i]), (2 * crop + 1) * (2 * crop + 1));
  }
}

TEST(Augmentation, OfAnImageDependsOnSeedAndIndexAlone) {
  const Samples samples = images(20);
  const Tensor all = augmented(samples, {crop, true}, 7);
  const Tensor order = at::randperm(20, at::kLong);
  EXPECT_TRUE(
      at::equal(augmented(samples.rows(order), {crop, true}, 7), all.index_select(0, order)));
  EXPECT_TRUE(at::equal(augmented(samples.slice(3, 4), {crop, true}, 7)[0], all[3]));
  EXPECT_FALSE(at::equal(augmented(samples, {crop, true}, 8), all));
}

TEST(Augmentation, WhatIsNoImageIsRefused) {
  require_images({}, {7});
  require_images({4, true}, {3, 32, 32});
  const std::string flat = error_of([] { require_images({4, false}, {784}); });
  EXPECT_NE(flat.find("--crop: needs images of channels x height x width"), flat.npos) << flat;
  const std::string last = error_of([] { require_images({0, true}, {32, 32, 3}); });
  EXPECT_NE(last.find("--flip: needs images"), last.npos) << last;
  const std::string far = error_of([] { require_images({28, false}, {1, 28, 28}); });
  EXPECT_NE(far.find("--crop 28: could miss all of an image of 28 x 28"), far.npos) << far;
}

}  // namespace
}  // namespace reluctance
