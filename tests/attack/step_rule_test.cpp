// The sparse steps of Auto-PGD in L1, by their published rules.
#include "attack/step_rule.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace reluctance {
namespace {

constexpr double radius = 4;

// Two images of 1 x 6 x 6 grey pixels of which the first `changed` are others.
Tensor changed_by(const Tensor& clean, int64_t first, int64_t second) {
  Tensor x = clean.clone();
  x.view({2, 36})[0].slice(0, 0, first).add_(0.1);
  x.view({2, 36})[1].slice(0, 0, second).add_(0.1);
  return x;
}

class SparseSteps : public testing::Test {
 protected:
  void SetUp() override {
    at::manual_seed(7);
    clean_ = at::full({2, 1, 6, 6}, 0.5, at::kDouble);
    track_.x = changed_by(clean_, 30, 20);
    track_.gradient = at::randn_like(clean_);
    rule_ = step_rule({Norm::l1, radius}, clean_, track_.x);
  }

  // What the next step adds, in a ball that leaves it alone.
  Tensor step() const {
    const Projection wide({Norm::l1, 1e3}, /*pixel_box=*/false, clean_);
    return (rule_->next(track_, wide) - track_.x).flatten(1);
  }

  void expect_steps(const std::vector<int64_t>& pixels, const std::vector<double>& lengths) const {
    const Tensor moved = step();
    const Tensor gradient = track_.gradient.flatten(1);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const Tensor kept =
          gradient[row].abs().argsort(0, /*descending=*/true).slice(0, 0, pixels[i]);
      const Tensor expected = at::zeros_like(gradient[row])
                                  .index_copy(0, kept,
                                              gradient[row].index_select(0, kept).sign() *
                                                  lengths[i] / static_cast<double>(pixels[i]));
      EXPECT_TRUE(at::allclose(moved[row], expected, 1e-9, 1e-12)) << row;
    }
  }

  Tensor clean_;
  Track track_;
  std::unique_ptr<StepRule> rule_;
};

TEST_F(SparseSteps, BeginAcrossTheBallOnTwoThirdsOfThePixels) {
  expect_steps({20, 14}, {radius, radius});
}

TEST_F(SparseSteps, StayLongWhereTheBestPerturbationGetsSparser) {
  track_.best_x = changed_by(clean_, 20, 20);
  EXPECT_TRUE(at::equal(rule_->adapt(track_, 1), at::tensor({1, 0}).to(at::kBool)));
  expect_steps({14, 14}, {radius, radius / 1.5});
  // Down to a twentieth fewer is no change.
  track_.best_x = changed_by(clean_, 19, 18);
  EXPECT_TRUE(at::equal(rule_->adapt(track_, 1), at::tensor({0, 1}).to(at::kBool)));
  expect_steps({13, 12}, {radius / 1.5, radius});
  for (int repeat = 0; repeat < 10; ++repeat) rule_->adapt(track_, 1);
  expect_steps({13, 12}, {radius / 10, radius / 10});
}

TEST_F(SparseSteps, ChangeOnePixelAtLeast) {
  track_.best_x = clean_;
  rule_->adapt(track_, 1);
  expect_steps({1, 1}, {radius, radius});
}

TEST_F(SparseSteps, BelongToTheirSamples) {
  track_.best_x = changed_by(clean_, 20, 20);
  rule_->adapt(track_, 1);
  const Tensor second = step()[1];
  const Tensor places = at::tensor({1}, at::kLong);
  for (Tensor* each : {&track_.x, &track_.gradient, &clean_}) {
    *each = each->index_select(0, places);
  }
  rule_->keep(places);
  EXPECT_TRUE(at::equal(step()[0], second));
}

TEST_F(SparseSteps, AreJudgedTwentyFiveTimes) {
  EXPECT_EQ(rule_->checkpoints(100).front(), 4);
  EXPECT_EQ(rule_->checkpoints(100).size(), 25U);
  EXPECT_EQ(rule_->checkpoints(3), (std::vector<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace reluctance
