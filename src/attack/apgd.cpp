#include "reluctance/attack/apgd.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "attack/standing.hpp"
#include "attack/step_rule.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// One run from given starts on a batch that shrinks as samples fall. In a wider ball than the
// attack's own nothing falls: it looks for the best points alone.
class Ascent {
 public:
  Ascent(Standing& standing, const Loss& loss, const Ball& ball, const Tensor& start)
      : standing_(standing),
        raised_(loss),
        ball_(ball),
        wider_(ball.radius > standing.ball()->radius),
        project_(ball, true, standing.clean()),
        rule_(step_rule(ball, standing.clean(), start)) {
    at_.x = start;
  }

  void run(int64_t iterations) {
    const std::vector<int64_t> checkpoints = rule_->checkpoints(iterations);
    auto checkpoint = checkpoints.begin();
    int64_t last_checkpoint = 0;
    evaluate();
    for (int64_t k = 1; k <= iterations && !standing_.empty(); ++k) {
      check_interrupt();
      Tensor next = rule_->next(at_, project_);
      at_.previous = std::exchange(at_.x, std::move(next));
      // The last point is only asked for its answer.
      if (k == iterations && !wider_) {
        standing_.ask(at_.x);
        return;
      }
      evaluate();
      if (checkpoint == checkpoints.end() || k != *checkpoint) continue;
      go_on_from_best(rule_->adapt(at_, k - last_checkpoint));
      last_checkpoint = *checkpoint++;
    }
  }

  const Tensor& best() const { return at_.best_x; }

 private:
  // Takes out what has fallen; for the others, loss and gradient at x and the best point so far.
  void evaluate() {
    const Pass pass = standing_.passes().forward(at_.x, Keep::gates);
    LossAt loss = standing_.targets().defined()
                      ? raised_.at(pass.logits, standing_.labels(), standing_.targets())
                      : raised_.attacked(pass.logits, standing_.samples());
    std::optional<Tensor> stand;
    if (!wider_) {
      const Tensor margin = margins(pass.logits, standing_.samples());
      standing_.keep_margins(margin);
      stand = standing_.remove_fallen(at_.x, margin.lt(0));
    }
    if (standing_.empty()) return;
    // The pass knows the gates of those that fell, too.
    at_.gradient = standing_.passes().vector_jacobian(pass, loss.gradient);
    if (stand) {
      for (Tensor* each : {&at_.x, &at_.gradient, &at_.loss, &at_.previous, &at_.best, &at_.best_x,
                           &at_.best_gradient, &loss.value}) {
        if (each->defined()) *each = each->index_select(0, *stand);
      }
      rule_->keep(*stand);
      project_ = Projection(ball_, true, standing_.clean());
    }
    compare(loss.value);
  }

  void compare(const Tensor& value) {
    if (!at_.best.defined()) {
      at_.best = value;
      at_.best_x = at_.x;
      at_.best_gradient = at_.gradient;
    } else {
      rule_->watch(value.gt(at_.loss));
      const Tensor better = value.gt(at_.best);
      const Tensor wide = per_sample(better, at_.x);
      at_.best = at::where(better, value, at_.best);
      at_.best_x = at::where(wide, at_.x, at_.best_x);
      at_.best_gradient = at::where(wide, at_.gradient, at_.best_gradient);
    }
    at_.loss = value;
  }

  void go_on_from_best(const Tensor& those) {
    const Tensor wide = per_sample(those, at_.x);
    at_.x = at::where(wide, at_.best_x, at_.x);
    at_.loss = at::where(those, at_.best, at_.loss);
    at_.gradient = at::where(wide, at_.best_gradient, at_.gradient);
  }

  Standing& standing_;
  const Loss& raised_;
  Ball ball_;
  bool wider_;
  Projection project_;
  std::unique_ptr<StepRule> rule_;
  Track at_;
};

// Where an ascent starts once that is projected: a random point of the ball, cut by the box; in L1
// noise as wide as the box, whose projection changes few pixels.
Tensor random_start(const Ball& ball, const Samples& samples, std::uint64_t seed) {
  const Tensor& clean = samples.images;
  if (ball.norm != Norm::l1) {
    return ball.domain.clip(clean + random_in_ball(ball, clean, samples.index, seed), clean);
  }
  const Tensor rows = clean.flatten(1);
  const Tensor noise = normal_rows(seed, samples.index, rows.size(1), rows).view_as(clean);
  return clean + noise * ball.domain.span(clean);
}

}  // namespace

Attack apgd_attack(const ApgdOptions& options) {
  const std::string kind =
      options.loss.name == cross_entropy_loss().name ? "ce" : options.loss.name;
  return {"apgd-" + (options.targets > 0 ? "t" : kind), options.ball,
          [options](const Network& network, const Samples& samples, const Context& context) {
            Rounds rounds{options.ball, options.restarts, options.targets, {}, {}};
            if (options.candidates > 0) {
              rounds.aim = [&](CountedPasses& passes, const Samples& asked) {
                return linear_distances(passes, asked, options.ball, options.candidates).classes;
              };
            }
            rounds.run = [&](int64_t round, Standing& standing) {
              const auto place = static_cast<std::uint64_t>(round);
              const std::vector<ApgdStage> stages = apgd_stages(options.ball, options.iterations);
              Tensor start = random_start(stages.front().ball, standing.samples(),
                                          derive_seed(context.seed, {place}));
              for (const auto& [ball, iterations] : stages) {
                Projection(ball, /*in_box=*/true, standing.clean())(start);
                Ascent ascent(standing, options.loss, ball, start);
                ascent.run(iterations);
                start = ascent.best();
              }
            };
            return run_rounds(network, samples, rounds, context);
          }};
}

ApgdOptions published_apgd(const Ball& ball, const Loss& loss) {
  return {.ball = ball, .loss = loss, .restarts = ball.norm == Norm::l1 ? 5 : 1};
}

ApgdOptions published_targeted_apgd(const Ball& ball) {
  return {.ball = ball, .loss = dlr_loss(), .targets = ball.norm == Norm::l1 ? 5 : 9};
}

Attack malt_attack(const Ball& ball) {
  ApgdOptions options = published_targeted_apgd(ball);
  options.targets = 9;
  options.candidates = 100;
  Attack attack = apgd_attack(options);
  attack.name = "malt";
  return attack;
}

std::vector<ApgdStage> apgd_stages(const Ball& ball, int64_t iterations) {
  if (ball.norm != Norm::l1) return {{ball, iterations}};
  // Three tenths each, rounded up, as long as that leaves the last one something.
  const int64_t wide = std::min((3 * iterations + 9) / 10, (iterations - 1) / 2);
  std::vector<ApgdStage> stages;
  for (const int64_t times : {3, 2}) {
    const double radius = static_cast<double>(times) * ball.radius;
    if (wide > 0) stages.push_back({{ball.norm, radius, ball.domain}, wide});
  }
  stages.push_back({ball, iterations - 2 * wide});
  return stages;
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
