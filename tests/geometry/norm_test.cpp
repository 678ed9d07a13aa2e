// Norms: their names, their duals, and which way is steepest.
#include "reluctance/geometry/norm.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error_of.hpp"

namespace reluctance {
namespace {

class Norms : public testing::TestWithParam<Norm> {};

// The definition, without the table.
Tensor by_definition(const Tensor& x, Norm norm) {
  const Tensor rows = x.flatten(1);
  if (norm == Norm::linf) return std::get<0>(rows.abs().max(1));
  return norm == Norm::l2 ? rows.square().sum(1).sqrt() : rows.abs().sum(1);
}

Tensor products(const Tensor& x, const Tensor& y) { return (x * y).flatten(1).sum(1); }

TEST_P(Norms, AreNamedBothWays) {
  EXPECT_EQ(parse_norm(to_string(GetParam())), GetParam());
  for (const char* change : {" ", "x"}) {
    EXPECT_THROW(parse_norm(to_string(GetParam()) + change), Error);
  }
}

TEST_P(Norms, AreTheirDefinitions) {
  at::manual_seed(1);
  const Tensor x = at::randn({20, 2, 5}, at::kDouble);
  EXPECT_TRUE(at::allclose(sample_norms(x, GetParam()), by_definition(x, GetParam()), 1e-14));
  EXPECT_NEAR(norm_of_ones(GetParam(), 9),
              by_definition(at::ones({1, 9}, at::kDouble), GetParam()).item<double>(), 1e-14);
}

// |x . y| <= |x| |y|_*, and no smaller number would do: some x of norm 1 reaches |y|_*.
TEST_P(Norms, DualNormsBoundTheProduct) {
  at::manual_seed(3);
  const Tensor y = at::randn({500, 2, 5}, at::kDouble);
  const Tensor dual = dual_norms(y, GetParam());
  for (int repeat = 0; repeat < 20; ++repeat) {
    // From nearly along y to anywhere, dense and sparse.
    const Tensor x = (y.sign() + repeat * at::randn_like(y)) * at::rand_like(y).pow(repeat % 4);
    const Tensor bound = sample_norms(x, GetParam()) * dual;
    EXPECT_TRUE(products(x, y).abs().le(bound * (1 + 1e-14)).all().item<bool>());
  }
  // What reaches it: all signs, y itself, or the largest entry alone.
  const Tensor rows = y.flatten(1);
  const Tensor largest = rows.abs().eq(rows.abs().amax(1, true));
  const Tensor reaching = GetParam() == Norm::linf ? rows.sign()
                          : GetParam() == Norm::l2 ? rows
                                                   : rows.sign() * largest;
  EXPECT_TRUE(
      at::allclose(products(reaching, rows), sample_norms(reaching, GetParam()) * dual, 1e-13));
}

TEST_P(Norms, SteepestHasNormOneAndFollowsTheGradient) {
  at::manual_seed(4);
  for (const Shape& shape : {Shape{20, 2, 5}, Shape{20, 400}}) {
    const Tensor gradient = at::randn(shape, at::kDouble);
    const Tensor step = steepest(GetParam(), gradient.clone());
    ASSERT_EQ(step.sizes(), gradient.sizes());
    EXPECT_TRUE(at::allclose(sample_norms(step, GetParam()), at::ones({20}, at::kDouble)));
    EXPECT_TRUE(step.eq(0).logical_or(step.sign().eq(gradient.sign())).all().item<bool>());
  }
  const Tensor flat = at::zeros({1, 3}, at::kDouble);
  EXPECT_TRUE(at::equal(steepest(GetParam(), flat.clone()), flat));
}

INSTANTIATE_TEST_SUITE_P(All, Norms, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

// In L1 the step is sparse, but not as sparse as the steepest.
TEST(Steepest, IsTheUnitStepThatGainsMostInLinfAndL2) {
  at::manual_seed(4);
  const Tensor gradient = at::randn({20, 2, 5}, at::kDouble);
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const Tensor step = steepest(norm, gradient.clone());
    EXPECT_TRUE(at::allclose(products(gradient, step), dual_norms(gradient, norm)));
    EXPECT_TRUE(at::allclose(dual_norms(gradient, norm),
                             gradient.flatten(1).norm(norm == Norm::linf ? 1 : 2, 1)));
  }
}

TEST(Steepest, InL1MovesTheLargestHundredthAlike) {
  at::manual_seed(5);
  for (const auto& [pixels, moved] :
       {std::pair{10L, 1L}, std::pair{100L, 1L}, std::pair{784L, 8L}, std::pair{3072L, 31L}}) {
    const Tensor gradient = at::randn({6, pixels}, at::kDouble);
    const Tensor step = steepest(Norm::l1, gradient.clone());
    for (int64_t i = 0; i < 6; ++i) {
      const Tensor chosen = gradient[i].abs().argsort(0, /*descending=*/true).slice(0, 0, moved);
      const Tensor expected =
          at::zeros_like(gradient[i])
              .index_copy(0, chosen,
                          gradient[i].index_select(0, chosen).sign() / static_cast<double>(moved));
      EXPECT_TRUE(at::allclose(step[i], expected, 1e-14, 0)) << pixels;
    }
  }
  // Flat pixels do not move, and the others share the whole step.
  Tensor nearly_flat = at::zeros({1, 784}, at::kDouble);
  nearly_flat[0][5] = -3;
  nearly_flat[0][700] = 0.1;
  const Tensor step = steepest(Norm::l1, nearly_flat.clone());
  EXPECT_TRUE(at::equal(step, 0.5 * nearly_flat.sign()));
}

TEST(NormNames, AreListedWhereOneIsUnknown) {
  EXPECT_EQ(all_norms().size(), 3U);
  for (const std::string name : {"l3", "", "L2", "l"}) {
    EXPECT_EQ(error_of([&] { parse_norm(name); }),
              "unknown norm '" + name + "'; choose linf, l2 or l1");
  }
}

TEST(NormNames, AreListedWhereOneIsRefused) {
  EXPECT_NO_THROW(require_norm("the test", Norm::l2, {Norm::linf, Norm::l2}));
  EXPECT_EQ(error_of([] {
              require_norm("the test", Norm::l1, {Norm::linf, Norm::l2});
            }),
            "the test has no l1 form; choose linf or l2");
  EXPECT_EQ(error_of([] { require_norm("the test", Norm::linf, {Norm::l1}); }),
            "the test has no linf form; choose l1");
}

TEST(PerSample, ScalesRows) {
  const Tensor like = at::ones({2, 3, 1, 4});
  const Tensor each = per_sample(at::tensor({2.0F, 3.0F}), like);
  EXPECT_EQ(each.sizes(), (at::IntArrayRef{2, 1, 1, 1}));
  EXPECT_TRUE((like * each)[1].eq(3).all().item<bool>());
  EXPECT_EQ(per_sample(at::tensor({2.0F}), like).sizes(), (at::IntArrayRef{1, 1, 1, 1}));
}

}  // namespace
}  // namespace reluctance
