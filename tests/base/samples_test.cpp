// Samples: images, labels and indices that stay together.
#include "reluctance/base/samples.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error_of.hpp"

namespace reluctance {
namespace {

// Ten samples: image i is full of i, its label is 100 + i, its index 7 i.
Samples ten() {
  const Tensor places = at::arange(10);
  return {places.to(at::kFloat).view({10, 1, 1, 1}).expand({10, 1, 2, 3}).contiguous(),
          100 + places, 7 * places};
}

void expect_those(const Samples& samples, const std::vector<int64_t>& places) {
  const Tensor expected = at::tensor(places, at::kLong);
  EXPECT_EQ(samples.count(), static_cast<int64_t>(places.size()));
  EXPECT_TRUE(at::equal(samples.labels, 100 + expected));
  EXPECT_TRUE(at::equal(samples.index, 7 * expected));
  EXPECT_TRUE(
      at::equal(samples.images, expected.to(at::kFloat).view({-1, 1, 1, 1}).expand({-1, 1, 2, 3})));
}

TEST(Samples, AreNumberedInOrder) {
  const Samples samples(at::rand({4, 5}), at::ones({4}, at::kInt));
  EXPECT_TRUE(at::equal(samples.index, at::arange(4)));
  EXPECT_EQ(samples.index.scalar_type(), at::kLong);
  EXPECT_EQ(samples.count(), 4);
}

TEST(Samples, SlicesKeepTheIndexAndShareMemory) {
  const Samples all = ten();
  const Samples part = all.slice(3, 6);
  expect_those(part, {3, 4, 5});
  expect_those(part.slice(1, 3), {4, 5});
  expect_those(all.slice(8, 99), {8, 9});
  expect_those(all.slice(4, 4), {});
  EXPECT_EQ(part.images.data_ptr(), all.images[3].data_ptr());
  EXPECT_EQ(part.labels.data_ptr(), all.labels[3].data_ptr());
}

TEST(Samples, HeadIsTheFirstOrAllIfFewer) {
  expect_those(ten().head(3), {0, 1, 2});
  expect_those(ten().head(99), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  expect_those(ten().slice(5, 10).head(2), {5, 6});
}

TEST(Samples, RowsKeepTheIndexInAnyOrder) {
  expect_those(ten().rows(at::tensor({9, 0, 4, 4}, at::kLong)), {9, 0, 4, 4});
  // Places are those among the samples at hand, whatever their indices.
  expect_those(ten().slice(5, 10).rows(at::tensor({2, 0}, at::kLong)), {7, 5});
}

TEST(Samples, WithOtherImagesTheyAreTheSameSamples) {
  const Samples all = ten();
  const Samples other = all.with_images(at::zeros({10, 6}));
  EXPECT_TRUE(at::equal(other.labels, all.labels));
  EXPECT_TRUE(at::equal(other.index, all.index));
  EXPECT_TRUE(at::equal(other.images, at::zeros({10, 6})));
  EXPECT_THROW(all.with_images(at::zeros({9, 6})), Error);
}

TEST(Samples, KeepTheTargetOfAttacks) {
  EXPECT_FALSE(ten().target.defined());
  EXPECT_FALSE(ten().rows(at::tensor({1}, at::kLong)).target.defined());
  const Samples aimed = ten().towards(4);
  expect_those(aimed, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_TRUE(at::equal(aimed.target, at::full({10}, 4, at::kLong)));
  const Samples each(aimed.images, aimed.labels, aimed.index, at::arange(10) + 50);
  EXPECT_TRUE(
      at::equal(each.rows(at::tensor({9, 2}, at::kLong)).target, at::tensor({59, 52}, at::kLong)));
  EXPECT_TRUE(at::equal(each.slice(3, 5).target, at::tensor({53, 54}, at::kLong)));
  EXPECT_TRUE(at::equal(each.with_images(at::zeros({10, 6})).target, each.target));
  EXPECT_TRUE(at::equal(each.to(at::kCPU).target, each.target));
}

TEST(Samples, RefuseAnotherNumberOfLabels) {
  const Tensor images = at::zeros({4, 2});
  for (const Tensor& labels : {at::zeros({3}, at::kLong), at::zeros({5}, at::kLong),
                               at::zeros({4, 1}, at::kLong), at::zeros({}, at::kLong)}) {
    EXPECT_THROW(Samples(images, labels), Error) << labels.sizes();
    EXPECT_THROW(Samples(images, labels, at::arange(4)), Error) << labels.sizes();
  }
  const std::string message = error_of([&] { Samples(images, at::zeros({3}, at::kLong)); });
  EXPECT_NE(message.find("images of 4 x 2 and labels of 3"), std::string::npos) << message;
  EXPECT_THROW(Samples(at::zeros({4, 2}), at::zeros({4}, at::kLong), at::arange(3)), Error);
}

}  // namespace
}  // namespace reluctance
