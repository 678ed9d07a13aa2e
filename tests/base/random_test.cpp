// Random numbers that depend on a seed and a place, and on nothing else.
#include "reluctance/base/random.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>

namespace reluctance {
namespace {

TEST(Random, PlacesGiveDifferentSeedsAndTheSameOneTwice) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    for (std::uint64_t batch = 0; batch < 50; ++batch) seeds.insert(derive_seed(3, {epoch, batch}));
  }
  EXPECT_EQ(seeds.size(), 2500U);
  const Tensor first = at::rand({5}, make_generator(1, {2, 3}));
  const Tensor again = at::rand({5}, make_generator(1, {2, 3}));
  EXPECT_TRUE(at::equal(first, again));
}

using Rows = Tensor (*)(std::uint64_t seed, const Tensor& index, int64_t width, const Tensor& like);

const Tensor single = at::empty({0}, at::kFloat);

class RandomRows : public testing::TestWithParam<Rows> {
 protected:
  static Tensor rows(const Tensor& index, int64_t width, std::uint64_t seed = 5) {
    return GetParam()(seed, index, width, single);
  }
};

TEST_P(RandomRows, DependOnSeedAndIndexAlone) {
  for (const int64_t width : {1, 2, 7, 100}) {
    const Tensor index = at::arange(20) * 1000003 + 17;
    const Tensor all = rows(index, width);
    ASSERT_EQ(all.sizes(), (at::IntArrayRef{20, width}));
    EXPECT_TRUE(at::equal(rows(index, width), all));
    EXPECT_TRUE(at::equal(rows(index.flip(0), width), all.flip(0)));
    EXPECT_TRUE(at::equal(rows(index.slice(0, 0, 11), width), all.slice(0, 0, 11)));
    EXPECT_TRUE(at::equal(rows(index.slice(0, 11), width), all.slice(0, 11)));
    EXPECT_TRUE(at::equal(rows(index.slice(0, 0, 20, 3), width), all.slice(0, 0, 20, 3)));
    for (int64_t i = 0; i < 20; ++i) {
      EXPECT_TRUE(at::equal(rows(index.slice(0, i, i + 1), width), all.slice(0, i, i + 1)));
    }
  }
  EXPECT_EQ(rows(at::arange(0), 3).sizes(), (at::IntArrayRef{0, 3}));
}

TEST_P(RandomRows, SeedsAndSamplesDiffer) {
  const Tensor index = at::arange(50);
  const Tensor all = rows(index, 40);
  const Tensor other = rows(index, 40, 6);
  // Numbers of 23 bits: a few may coincide, whole rows may not.
  const auto alike = [](const Tensor& a, const Tensor& b) {
    return a.eq(b).to(at::kDouble).mean().item<double>();
  };
  EXPECT_LT(alike(all, other), 0.01);
  for (int64_t i = 1; i < 50; ++i) EXPECT_LT(alike(all[0], all[i]), 0.1) << i;
  // Nor does one sample's seed give the numbers of another: shifted rows differ as well.
  EXPECT_LT(alike(all.slice(1, 2), other.slice(1, 0, 38)), 0.01);
  EXPECT_LT(alike(all.slice(0, 1), all.slice(0, 0, 49)), 0.01);
}

TEST_P(RandomRows, AreIndependentOfEachOther) {
  const Tensor wide = rows(at::arange(20000), 6).to(at::kDouble);
  // Columns among themselves, and each sample with the next: correlations of about 1 / sqrt(20000).
  const Tensor columns = at::corrcoef(wide.t()) - at::eye(6, at::kDouble);
  EXPECT_LT(columns.abs().max().item<double>(), 5 / std::sqrt(20000.0));
  const Tensor next =
      at::corrcoef(at::stack({wide.slice(0, 1).flatten(), wide.slice(0, 0, -1).flatten()}));
  EXPECT_LT(std::abs(next[0][1].item<double>()), 5 / std::sqrt(120000.0));
}

TEST_P(RandomRows, HaveTheDtypeOfLike) {
  const Tensor index = at::arange(5);
  const Tensor twice = GetParam()(5, index, 4, at::empty({0}, at::kDouble));
  EXPECT_EQ(twice.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(twice, rows(index, 4).to(at::kDouble)));
}

INSTANTIATE_TEST_SUITE_P(Both, RandomRows, testing::Values(&uniform_rows, &normal_rows),
                         [](const auto& each) { return each.index == 0 ? "Uniform" : "Normal"; });

// Many samples of few numbers, few of many: the numbers must be right both ways.
TEST(UniformRows, FillTheOpenUnitInterval) {
  for (const auto& [count, width] : {std::pair{100000L, 3L}, std::pair{3L, 100000L}}) {
    const Tensor all = uniform_rows(1, at::arange(count), width, single).to(at::kDouble);
    EXPECT_GT(all.min().item<double>(), 0.0);
    EXPECT_LT(all.max().item<double>(), 1.0);
    const auto n = static_cast<double>(count * width);
    EXPECT_NEAR(all.mean().item<double>(), 0.5, 5 * std::sqrt(1 / (12 * n)));
    EXPECT_NEAR(all.var().item<double>(), 1.0 / 12, 5 * std::sqrt(1 / (180 * n)));
    // A tenth of them in each tenth.
    const Tensor counts = at::histc(all, 10, 0, 1) / n;
    EXPECT_LT((counts - 0.1).abs().max().item<double>(), 5 * std::sqrt(0.09 / n));
  }
}

TEST(NormalRows, HaveTheMomentsAndTailsOfTheNormalDistribution) {
  for (const auto& [count, width] : {std::pair{100000L, 3L}, std::pair{3L, 100000L}}) {
    const Tensor all = normal_rows(1, at::arange(count), width, single).to(at::kDouble);
    EXPECT_TRUE(all.isfinite().all().item<bool>());
    const auto n = static_cast<double>(count * width);
    EXPECT_NEAR(all.mean().item<double>(), 0.0, 5 / std::sqrt(n));
    EXPECT_NEAR(all.var().item<double>(), 1.0, 5 * std::sqrt(2 / n));
    EXPECT_NEAR(all.pow(3).mean().item<double>(), 0.0, 5 * std::sqrt(15 / n));
    EXPECT_NEAR(all.pow(4).mean().item<double>(), 3.0, 5 * std::sqrt(96 / n));
    for (double x : {-2.0, -0.5, 1.0, 2.5}) {
      const double below = std::erfc(-x / std::sqrt(2.0)) / 2;
      EXPECT_NEAR(all.lt(x).to(at::kDouble).mean().item<double>(), below,
                  5 * std::sqrt(below * (1 - below) / n));
    }
  }
}

}  // namespace
}  // namespace reluctance
