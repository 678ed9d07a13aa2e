#include "reluctance/attack/apgd.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "attack/standing.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// A sample's share of rising steps below which its step size is halved.
constexpr double rho = 0.75;
// Weight of the new step against the momentum of the last.
constexpr double step_weight = 0.75;

// One run from random starts on a batch that shrinks as samples fall.
class Ascent {
 public:
  Ascent(Standing& standing, const Loss& loss, const Tensor& start)
      : standing_(standing),
        raised_(loss),
        project_(*standing.ball(), true, standing.clean()),
        x_(start),
        previous_(start) {
    const Tensor& clean = standing.clean();
    step_size_ = at::full({clean.size(0)}, 2 * standing.ball()->radius, clean.options());
    rising_ = at::zeros_like(step_size_);
    halved_ = at::ones_like(step_size_, at::kBool);
  }

  void run(int64_t iterations) {
    const std::vector<int64_t> checkpoints = apgd_checkpoints(iterations);
    auto checkpoint = checkpoints.begin();
    int64_t last_checkpoint = 0;
    evaluate();
    for (int64_t k = 1; k <= iterations && !standing_.empty(); ++k) {
      check_interrupt();
      move(k == 1);
      // The last point is only asked for its answer.
      if (k == iterations) {
        standing_.ask(x_);
        return;
      }
      evaluate();
      if (checkpoint == checkpoints.end() || k != *checkpoint) continue;
      adapt(k - last_checkpoint);
      last_checkpoint = *checkpoint++;
    }
  }

 private:
  // x_(k+1) = P(x_k + w (z - x_k) + (1 - w) (x_k - x_(k-1))) with z = P(x_k + step).
  void move(bool first) {
    Tensor next = x_ + per_sample(step_size_, x_) * steepest(standing_.ball()->norm, gradient_);
    project_(next);
    if (!first) {
      next = (x_ + step_weight * (next - x_)).add_(x_ - previous_, 1 - step_weight);
      project_(next);
    }
    previous_ = x_;
    x_ = next;
  }

  // Takes out what has fallen; for the others, loss and gradient at x and the best point so far.
  void evaluate() {
    const Pass pass = standing_.passes().forward(x_, Keep::gates);
    LossAt loss = raised_.at(pass.logits, standing_.labels(), standing_.targets());
    const Tensor margin = margins(pass.logits, standing_.labels());
    standing_.keep_margins(margin);
    const auto stand = standing_.remove_fallen(x_, margin.lt(0));
    if (standing_.empty()) return;
    // The pass knows the gates of those that fell, too.
    gradient_ = standing_.passes().vector_jacobian(pass, loss.gradient);
    if (stand) {
      for (Tensor* each :
           {&x_, &previous_, &gradient_, &loss.value, &step_size_, &rising_, &halved_, &loss_,
            &best_, &best_x_, &best_gradient_, &best_at_checkpoint_}) {
        if (each->defined()) *each = each->index_select(0, *stand);
      }
      project_ = Projection(*standing_.ball(), true, standing_.clean());
    }
    compare(loss.value);
  }

  void compare(const Tensor& value) {
    if (!best_.defined()) {
      best_ = best_at_checkpoint_ = value;
      best_x_ = x_;
      best_gradient_ = gradient_;
    } else {
      rising_ += value.gt(loss_);
      const Tensor better = value.gt(best_);
      const Tensor wide = per_sample(better, x_);
      best_ = at::where(better, value, best_);
      best_x_ = at::where(wide, x_, best_x_);
      best_gradient_ = at::where(wide, gradient_, best_gradient_);
    }
    loss_ = value;
  }

  // Halves the step size, and goes back to the best point, where the loss rose too seldom or where
  // neither step size nor best loss changed since the checkpoint before.
  void adapt(int64_t steps) {
    const Tensor seldom = rising_.lt(rho * static_cast<double>(steps));
    const Tensor stuck = halved_.logical_not().logical_and(best_.le(best_at_checkpoint_));
    halved_ = seldom.logical_or(stuck);
    const Tensor wide = per_sample(halved_, x_);
    step_size_ = at::where(halved_, step_size_ / 2, step_size_);
    x_ = at::where(wide, best_x_, x_);
    loss_ = at::where(halved_, best_, loss_);
    gradient_ = at::where(wide, best_gradient_, gradient_);
    best_at_checkpoint_ = best_;
    rising_.zero_();
  }

  Standing& standing_;
  const Loss& raised_;
  Projection project_;
  Tensor x_, previous_, gradient_, loss_;  // the iterate, the one before, gradient and loss there
  Tensor best_, best_x_, best_gradient_;   // the highest loss so far, and where
  Tensor step_size_;                       // n
  Tensor rising_;              // n: steps that raised the loss since the last checkpoint
  Tensor halved_;              // n: whether the last checkpoint halved the step size
  Tensor best_at_checkpoint_;  // n: the highest loss at the last checkpoint
};

}  // namespace

Attack apgd_attack(const ApgdOptions& options) {
  require_norm("Auto-PGD", options.ball.norm, {Norm::linf, Norm::l2});
  const std::string kind =
      options.loss.name == cross_entropy_loss().name ? "ce" : options.loss.name;
  return {
      "apgd-" + (options.targets > 0 ? "t" : kind), options.ball,
      [options](const Network& network, const Samples& samples, const Context& context) {
        Rounds rounds{options.ball, options.restarts, options.targets, {}, {}};
        if (options.candidates > 0) {
          rounds.aim = [&](CountedPasses& passes, const Samples& asked) {
            return linear_distances(passes, asked, options.ball.norm, options.candidates).classes;
          };
        }
        rounds.run = [&](int64_t round, Standing& standing) {
          const auto place = static_cast<std::uint64_t>(round);
          const Samples& part = standing.samples();
          Tensor start = part.images + random_in_ball(options.ball, part.images, part.index,
                                                      derive_seed(context.seed, {place}));
          Ascent(standing, options.loss, start.clamp_(0, 1)).run(options.iterations);
        };
        return run_rounds(network, samples, rounds, context);
      }};
}

Attack malt_attack(const Ball& ball) {
  ApgdOptions options;
  options.ball = ball;
  options.loss = dlr_loss();
  options.targets = 9;
  options.candidates = 100;
  Attack attack = apgd_attack(options);
  attack.name = "malt";
  return attack;
}

std::vector<int64_t> apgd_checkpoints(int64_t iterations) {
  std::vector<int64_t> checkpoints;
  // In hundredths, whose products with `iterations` are exact.
  int64_t last = 0;
  int64_t p = 22;
  while (p <= 100) {
    checkpoints.push_back((p * iterations + 99) / 100);
    const int64_t stride = std::max<int64_t>(p - last - 3, 6);
    last = p;
    p += stride;
  }
  return checkpoints;
}

}  // namespace reluctance
