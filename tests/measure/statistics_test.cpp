// Quantiles, shares, intervals, correlations and slopes.
#include "reluctance/measure/statistics.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace reluctance {
namespace {

TEST(Quantiles, InterpolateAndLeaveOutWhatIsNotFinite) {
  const auto q =
      quantiles(at::tensor({4.0, std::nan(""), 0.0, 1.0, 3.0, 2.0, INFINITY}, at::kDouble));
  ASSERT_TRUE(q);
  EXPECT_DOUBLE_EQ(q->median, 2.0);
  EXPECT_DOUBLE_EQ(q->q25, 1.0);
  EXPECT_DOUBLE_EQ(q->q95, 3.8);
  EXPECT_FALSE(quantiles(at::tensor({std::nan("")}, at::kDouble)));
}

TEST(Share, HasTheWilsonInterval) {
  // Wilson's interval for 7 of 20 (Newcombe 1998 gives the method; figures by hand).
  const Share seven = share(7, 20);
  EXPECT_DOUBLE_EQ(seven.value, 0.35);
  EXPECT_NEAR(seven.low, 0.1812, 1e-4);
  EXPECT_NEAR(seven.high, 0.5671, 1e-4);
  EXPECT_EQ(share(0, 10).low, 0.0);
  EXPECT_GT(share(0, 10).high, 0.2);
  EXPECT_DOUBLE_EQ(share(10, 10).high, 1.0);
}

TEST(MeanInterval, IsStudents) {
  // Mean 3, standard deviation sqrt(2.5), t(4) = 2.7764.
  const Interval five = mean_interval(std::vector<double>{1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(five.value, 3);
  EXPECT_NEAR(five.high - five.value, 2.7764 * std::sqrt(2.5 / 5), 1e-4);
  EXPECT_NEAR(five.value - five.low, five.high - five.value, 1e-12);
  const Interval one = mean_interval(std::vector<double>{7});
  EXPECT_EQ(one.low, 7);
  // t(19) = 2.0930 by the expansion.
  std::vector<double> twenty;
  for (int k = 0; k < 20; ++k) twenty.push_back(k % 2);
  const Interval many = mean_interval(twenty);
  EXPECT_NEAR((many.high - many.value) / std::sqrt(5.0 / 19 / 20), 2.0930, 1e-3);
}

TEST(RankCorrelation, EqualsThatOfTheRanksWithTies) {
  const auto row = [](std::initializer_list<double> values) {
    return at::tensor(std::vector<double>(values), at::kDouble);
  };
  EXPECT_NEAR(rank_correlation(row({1, 2, 3, 4}), row({10, 100, 1e4, 1e9})), 1, 1e-12);
  EXPECT_NEAR(rank_correlation(row({1, 2, 3, 4}), row({4, 3, 2, 1})), -1, 1e-12);
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5 over sqrt(4.5 * 5).
  EXPECT_NEAR(rank_correlation(row({1, 2, 2, 3}), row({1, 2, 3, 4})), std::sqrt(0.9), 1e-12);
  // Pairs that are not finite are left out.
  EXPECT_NEAR(rank_correlation(row({1, NAN, 2, 3, 9}), row({1, 5, 2, 3, INFINITY})), 1, 1e-12);
  EXPECT_TRUE(std::isnan(rank_correlation(row({1, 2}), row({1, 2}))));
}

TEST(Slope, IsWithinItsIntervalAndTheIntervalShrinks) {
  at::manual_seed(8);
  double width = INFINITY;
  for (const int64_t count : {100, 1600}) {
    const Tensor x = at::randn({count}, at::kDouble);
    const Tensor y = 0.7 * x + 3 + 0.5 * at::randn({count}, at::kDouble);
    const Interval found = slope(x, y, 1);
    EXPECT_LT(found.low, found.value);
    EXPECT_LT(found.value, found.high);
    EXPECT_LT(found.low, 0.7 + 0.1);
    EXPECT_GT(found.high, 0.7 - 0.1);
    EXPECT_LT(found.high - found.low, width / 2);
    width = found.high - found.low;
  }
}

}  // namespace
}  // namespace reluctance
