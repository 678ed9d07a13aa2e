// Steps on few pixels, and what is bought at best, against definitions and linear programming.
#include "reluctance/geometry/sparse.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace reluctance {
namespace {

Tensor row(const std::vector<double>& numbers) {
  return at::tensor(numbers, at::kDouble).unsqueeze(0);
}

TEST(SparseSigns, MoveEachRowsOwnNumberOfPixels) {
  at::manual_seed(1);
  const Tensor gradient = at::randn({7, 20}, at::kDouble);
  const Tensor kept = at::tensor({1, 2, 3, 5, 8, 19, 20}, at::kLong);
  const Tensor signs = sparse_signs(gradient, kept);
  for (int64_t i = 0; i < 7; ++i) {
    const auto count = kept[i].item<int64_t>();
    const Tensor largest = gradient[i].abs().argsort(0, /*descending=*/true).slice(0, 0, count);
    const Tensor expected =
        at::zeros_like(gradient[i])
            .index_copy(0, largest,
                        gradient[i].index_select(0, largest).sign() / static_cast<double>(count));
    EXPECT_TRUE(at::allclose(signs[i], expected, 1e-14, 0)) << i;
  }
}

// Entries that are alike move alike, whatever the other rows ask for.
TEST(SparseSigns, TiesAreNotBrokenByNeighbours) {
  const Tensor tied = row({3.0, -1.0, 1.0, 1.0, 0.5, 0.0});
  const Tensor expected = row({0.25, -0.25, 0.25, 0.25, 0.0, 0.0});
  EXPECT_TRUE(at::equal(sparse_signs(tied, at::tensor({2}, at::kLong)), expected));
  const Tensor among = sparse_signs(tied.repeat({3, 1}), at::tensor({2, 6, 1}, at::kLong));
  EXPECT_TRUE(at::equal(among[0], expected[0]));
  // Flat entries are no direction.
  EXPECT_EQ(among[1].ne(0).sum().item<int64_t>(), 5);
  EXPECT_EQ(among[2].ne(0).sum().item<int64_t>(), 1);
}

TEST(SparseSigns, OfNothingAreNothing) {
  EXPECT_EQ(sparse_signs(at::empty({0, 5}), at::empty({0}, at::kLong)).numel(), 0);
  EXPECT_TRUE(
      at::equal(sparse_signs(at::zeros({1, 3}), at::tensor({2}, at::kLong)), at::zeros({1, 3})));
}

// One row in plain loops: max worth . m with price . m <= budget and 0 <= m <= room. By duality it
// is the least of mu budget + sum over i of room_i max(0, worth_i - mu price_i) over mu >= 0, which
// is convex and piecewise linear with kinks at worth_i / price_i.
double best_worth(const Tensor& worth, const Tensor& room, const Tensor& price, double budget) {
  const auto at = [](const Tensor& row, int64_t i) { return row[i].item<double>(); };
  const auto bound = [&](double mu) {
    double sum = mu * budget;
    for (int64_t i = 0; i < worth.size(0); ++i) {
      sum += at(room, i) * std::max(0.0, at(worth, i) - mu * at(price, i));
    }
    return sum;
  };
  double least = bound(0);
  for (int64_t i = 0; i < worth.size(0); ++i) {
    if (at(price, i) > 0) least = std::min(least, bound(at(worth, i) / at(price, i)));
  }
  return least;
}

// With all prices 1 the most is gained for a length; with the gain itself as the price the least
// length is spent for a gain: its worth is then the lengths saved, of which none is better.
TEST(Spend, BuysWhatLinearProgrammingSaysCanBeBought) {
  at::manual_seed(2);
  const Tensor worth = at::rand({40, 15}, at::kDouble);
  Tensor room = at::rand({40, 15}, at::kDouble);
  room.slice(0, 0, 10).masked_fill_(room.slice(0, 0, 10).lt(0.5), 0);
  const Tensor one = at::ones_like(room);
  for (const double share : {0.0, 0.01, 0.3, 0.9, 2.0}) {
    const Tensor budget = share * room.sum(1);
    const Tensor bought = spend(budget, worth, room, one);
    EXPECT_TRUE(bought.ge(0).logical_and(bought.le(room)).all().item<bool>());
    EXPECT_TRUE(bought.sum(1).le(budget + 1e-12).all().item<bool>());
    for (int64_t i = 0; i < 40; ++i) {
      EXPECT_NEAR((worth[i] * bought[i]).sum().item<double>(),
                  best_worth(worth[i], room[i], one[i], budget[i].item<double>()), 1e-12)
          << i << ", " << share;
    }
  }
}

TEST(Spend, GoesFromThePixelOfMostWorthToTheNext) {
  const Tensor worth = row({2.0, 4.0, 1.0, 3.0});
  const Tensor room = row({1.0, 0.5, 1.0, 0.25});
  const Tensor price = row({2.0, 4.0, 1.0, 3.0});
  // 4 * 0.5 = 2, then 3 * 0.25 = 0.75, then a half of 2.
  EXPECT_TRUE(at::allclose(spend(at::tensor({3.75}, at::kDouble), worth, room, price),
                           row({0.5, 0.5, 0.0, 0.25})));
}

}  // namespace
}  // namespace reluctance
