// Which axis of an image is which of the network's.
#include "reluctance/network/layout.hpp"

#include <gtest/gtest.h>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

using Order = std::vector<int64_t>;

TEST(Layout, WhatFitsStaysAsItIs) {
  for (const auto& [images, input] :
       std::vector<std::pair<Shape, Shape>>{{{3, 32, 32}, {3, 32, 32}},
                                            {{32, 32, 3}, {32, 32, 3}},
                                            {{28, 28}, {1, 28, 28}},
                                            {{28, 28, 1}, {1, 28, 28}},
                                            {{1, 28, 28}, {784}},
                                            {{784}, {28, 28, 1}},
                                            {{3, 32, 32}, {3072}},
                                            {{3072}, {3, 32, 32}},
                                            {{1, 784}, {784, 1}}}) {
    EXPECT_EQ(image_layout(images, input).order, Order{}) << to_string(images);
    EXPECT_EQ(image_layout(images, input).note, "");
  }
}

TEST(Layout, ChannelsMoveToWhereTheNetworkHasThem) {
  EXPECT_EQ(image_layout({32, 24, 3}, {3, 32, 24}).order, (Order{2, 0, 1}));
  EXPECT_EQ(image_layout({4, 32, 24}, {32, 24, 4}).order, (Order{1, 2, 0}));
  EXPECT_NE(image_layout({32, 24, 3}, {3, 32, 24}).note, "");
}

TEST(Layout, WhatCouldMeanSeveralThingsIsRefused) {
  for (const auto& [images, input] : std::vector<std::pair<Shape, Shape>>{
           {{32, 32, 3}, {3072}},  // which order do the flat ones have?
           {{3072}, {32, 32, 3}},
           {{24, 32, 3}, {3, 32, 24}},  // height and width change places
           {{6, 8, 5}, {5, 6, 8}},      // channels of no image
           {{3, 32, 32}, {3, 16, 64}},
           {{3, 32, 32}, {3, 32, 31}}}) {
    EXPECT_THROW(image_layout(images, input), Error) << to_string(images) << to_string(input);
  }
}

}  // namespace
}  // namespace reluctance
