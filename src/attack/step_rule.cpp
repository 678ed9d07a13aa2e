#include "attack/step_rule.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "reluctance/attack/apgd.hpp"
#include "reluctance/geometry/sparse.hpp"

namespace reluctance {
namespace {

// Croce and Hein 2020, in L-infinity and L2: steps of one size with momentum, halved where the loss
// rises too seldom.
class HalvedSteps : public StepRule {
 public:
  HalvedSteps(const Ball& ball, const Tensor& start) : ball_(ball) {
    step_size_ = at::full({start.size(0)}, 2 * ball.radius, start.options());
    rising_ = at::zeros_like(step_size_);
    halved_ = at::ones_like(step_size_, at::kBool);
    best_ = at::full_like(step_size_, -INFINITY);
  }

  std::vector<int64_t> checkpoints(int64_t iterations) const override {
    return apgd_checkpoints(iterations);
  }

  // x_(k+1) = P(x_k + w (z - x_k) + (1 - w) (x_k - x_(k-1))) with z = P(x_k + step).
  Tensor next(const Track& track, const Projection& project) const override {
    const Tensor& x = track.x;
    Tensor next = x + per_sample(step_size_, x) * steepest_in(ball_, track.gradient);
    project(next);
    if (track.previous.defined()) {
      next = (x + step_weight * (next - x)).add_(x - track.previous, 1 - step_weight);
      project(next);
    }
    return next;
  }

  void watch(const Tensor& rose) override { rising_ += rose; }

  // Halves the step size, and goes back to the best point, where the loss rose too seldom or where
  // neither step size nor best loss changed since the checkpoint before.
  Tensor adapt(const Track& track, int64_t steps) override {
    const Tensor seldom = rising_.lt(rho * static_cast<double>(steps));
    const Tensor stuck = halved_.logical_not().logical_and(track.best.le(best_));
    halved_ = seldom.logical_or(stuck);
    step_size_ = at::where(halved_, step_size_ / 2, step_size_);
    best_ = track.best;
    rising_.zero_();
    return halved_;
  }

  void keep(const Tensor& places) override {
    for (Tensor* each : {&step_size_, &rising_, &halved_, &best_}) {
      *each = each->index_select(0, places);
    }
  }

 private:
  // A sample's share of rising steps below which its step size is halved.
  static constexpr double rho = 0.75;
  // Weight of the new step against the momentum of the last.
  static constexpr double step_weight = 0.75;

  Ball ball_;
  Tensor step_size_;  // n
  Tensor rising_;     // n: steps that raised the loss since the last checkpoint
  Tensor halved_;     // n: whether the last checkpoint halved the step size
  Tensor best_;       // n: the highest loss at the last checkpoint
};

// Croce and Hein 2021, "Mind the box", algorithm 1, in L1: steps without momentum on as many pixels
// as the best perturbation has, divided by 1.5. Where that number still falls the steps stay long
// and start from the best point; where it has settled they shrink.
class SparseSteps : public StepRule {
 public:
  SparseSteps(const Ball& ball, const Tensor& clean, const Tensor& start)
      : ball_(ball), clean_(clean) {
    step_size_ = at::full({clean.size(0)}, ball.radius, clean.options());
    changed_ = changed(start);
    kept_ = fewer(changed_);
  }

  std::vector<int64_t> checkpoints(int64_t iterations) const override {
    // A twenty-fifth of them apart.
    const int64_t stride = std::max<int64_t>(iterations / 25, 1);
    std::vector<int64_t> all;
    for (int64_t k = stride; k <= iterations; k += stride) all.push_back(k);
    return all;
  }

  Tensor next(const Track& track, const Projection& project) const override {
    const Tensor gradient = ball_.domain.by_reach(track.gradient).flatten(1);
    const Tensor step = sparse_signs(gradient, kept_).view_as(track.x);
    Tensor next = track.x + per_sample(step_size_, track.x) * step;
    project(next);
    return next;
  }

  void watch(const Tensor&) override {}

  Tensor adapt(const Track& track, int64_t) override {
    const Tensor now = changed(track.best_x);
    const Tensor sparser = now.lt(settled * changed_);
    step_size_.div_(shrinking).clamp_min_(ball_.radius / 10).masked_fill_(sparser, ball_.radius);
    kept_ = fewer(now);
    changed_ = now;
    return sparser;
  }

  void keep(const Tensor& places) override {
    for (Tensor* each : {&clean_, &step_size_, &changed_, &kept_}) {
      *each = each->index_select(0, places);
    }
  }

 private:
  static constexpr double settled = 0.95;
  static constexpr double shrinking = 1.5;

  // n, float64: the pixels that a perturbation changes.
  Tensor changed(const Tensor& x) const { return x.ne(clean_).flatten(1).sum(1).to(at::kDouble); }
  static Tensor fewer(const Tensor& changed) {
    return (changed / shrinking).ceil().to(at::kLong).clamp_min(1);
  }

  Ball ball_;
  Tensor clean_;      // n x input shape
  Tensor step_size_;  // n
  Tensor changed_;    // n: by the best point of the last checkpoint
  Tensor kept_;       // n: pixels that a step changes
};

}  // namespace

std::unique_ptr<StepRule> step_rule(const Ball& ball, const Tensor& clean, const Tensor& start) {
  if (ball.norm == Norm::l1) return std::make_unique<SparseSteps>(ball, clean, start);
  return std::make_unique<HalvedSteps>(ball, start);
}

}  // namespace reluctance
