// The box of inputs that are no pixels, and the reach of their features.
#include "reluctance/geometry/domain.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "reluctance/base/error.hpp"
#include "reluctance/geometry/ball.hpp"

namespace reluctance {
namespace {

Tensor numbers(std::vector<double> values) { return at::tensor(values, at::kDouble); }

TEST(Domains, ClipToTheNextNumberInsideThatTheTypeHas) {
  // float32 has neither of them: 0.1 rounds up, 0.7 down, -0.1 down, 0.3 up.
  const Domain domain(numbers({0.1, -0.1}), numbers({0.7, 0.3}), numbers({1, 1}));
  const Tensor far = at::stack({at::full({2}, -9.0F), at::full({2}, 9.0F)});
  const Tensor near = domain.clip(far, far);
  EXPECT_TRUE(domain.holds(near).all().item<bool>());
  const Tensor exact = near.to(at::kDouble);
  EXPECT_TRUE(
      exact.ge(numbers({0.1, -0.1})).logical_and(exact.le(numbers({0.7, 0.3}))).all().item<bool>());
  EXPECT_TRUE(at::allclose(exact, at::stack({numbers({0.1, -0.1}), numbers({0.7, 0.3})}), 1e-6));
  EXPECT_FALSE(domain.holds(numbers({0.7 + 1e-15, 0}).unsqueeze(0)).item<bool>());
  EXPECT_FALSE(domain.holds(numbers({0.2, NAN}).unsqueeze(0)).item<bool>());
}

TEST(Domains, FixedFeaturesStayWhereverTheyAre) {
  const Domain domain(numbers({0, 0}), numbers({1, 1}), numbers({1, 0}));
  const Tensor clean = numbers({0.5, 7}).unsqueeze(0);
  const Tensor x = numbers({3, 8}).unsqueeze(0);
  EXPECT_TRUE(at::equal(domain.clip(x, clean), numbers({1, 7}).unsqueeze(0)));
  EXPECT_TRUE(domain.holds(domain.clip(x, clean)).item<bool>());
  const Ball ball{Norm::l2, 10, domain};
  EXPECT_TRUE(inside(ball, clean, numbers({1, 7}).unsqueeze(0)).item<bool>());
  EXPECT_FALSE(inside(ball, clean, numbers({1, 7.001}).unsqueeze(0)).item<bool>());
  EXPECT_TRUE(
      at::equal(steepest_in(ball, numbers({3, 4}).unsqueeze(0)), numbers({1, 0}).unsqueeze(0)));
}

TEST(Domains, BudgetsOfFeaturesAreReadByFloat64) {
  at::manual_seed(1);
  const int64_t n = 20;
  const Tensor low = at::full({n}, -1000.3, at::kDouble);
  const Tensor budgets = at::rand({n}, at::kDouble).pow(3) * 30 + 0.01;
  const Ball ball{Norm::linf, 1, Domain(low, -low, budgets)};
  const Tensor clean = at::randn({100, n}) * 500;
  Tensor x = ball.domain.clip(clean + 100 * at::randn({100, n}), clean);
  const Tensor inner = ball.domain.clip(clean, clean);
  Projection(ball, true, inner)(x);
  const Tensor drawn = drawn_inside(ball, inner, x);
  const Tensor moved = (drawn.to(at::kDouble) - inner.to(at::kDouble)).abs();
  EXPECT_TRUE(moved.le(budgets).all().item<bool>());
  EXPECT_TRUE(ball.domain.holds(drawn).all().item<bool>());
  EXPECT_GT((moved / budgets).median().item<double>(), 0.99);
}

TEST(Domains, RoomEndsAtTheWallOfTheDirection) {
  const Tensor x = numbers({0.25, 0.25, 0.25, 0.0, 1.0}).unsqueeze(0);
  const Tensor signs = numbers({1, -1, 0, -1, 1}).unsqueeze(0);
  EXPECT_TRUE(at::equal(Domain().room(signs, x), numbers({0.75, 0.25, 0, 0, 0}).unsqueeze(0)));
  const Domain domain(at::full({5}, -2.0), at::full({5}, 3.0), numbers({1, 0, 1, 0.5, 1}));
  EXPECT_TRUE(at::equal(domain.room(signs, x), numbers({2.75, 0, 0, 2, 2}).unsqueeze(0)));
}

TEST(Domains, RefuseWallsThatLeaveNoRoom) {
  EXPECT_THROW(Domain(numbers({0, 1}), numbers({1, 1}), numbers({1, 1})), Error);
  EXPECT_THROW(Domain(numbers({0}), numbers({INFINITY}), numbers({1})), Error);
  EXPECT_THROW(Domain(numbers({0}), numbers({1}), numbers({-1})), Error);
  // Between these float32 has no number.
  EXPECT_THROW(Domain(numbers({0.1}), numbers({0.1 + 1e-12}), numbers({1})), Error);
  EXPECT_NO_THROW(Domain(numbers({1}), numbers({1}), numbers({0})));
}

}  // namespace
}  // namespace reluctance
