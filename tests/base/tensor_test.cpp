// Shapes as numbers and as words.
#include "reluctance/base/tensor.hpp"

#include <gtest/gtest.h>

namespace reluctance {
namespace {

TEST(Shapes, HaveAsManyElementsAsTheirProduct) {
  EXPECT_EQ(elements({3, 4, 5}), 60);
  EXPECT_EQ(elements({7}), 7);
  EXPECT_EQ(elements({3, 0}), 0);
  EXPECT_EQ(elements({}), 1);
}

TEST(Shapes, AreWrittenWithCrosses) {
  EXPECT_EQ(to_string(Shape{1, 28, 28}), "1 x 28 x 28");
  EXPECT_EQ(to_string(Shape{784}), "784");
}

}  // namespace
}  // namespace reluctance
