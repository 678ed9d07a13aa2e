#include "reluctance/attack/region.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "attack/standing.hpp"
#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// Of the ball's radius: from one side of it to the other.
constexpr double first_step = 2;

// One class, from one start. The step shrinks linearly: first across the ball, in the end to
// nothing.
void ascend(Standing& standing, Tensor x, int64_t steps) {
  const Ball& ball = standing.ball();
  for (int64_t t = 0; t <= steps && !standing.empty(); ++t) {
    check_interrupt();
    const Pass pass = standing.passes().forward(x, t < steps ? Keep::gates : Keep::nothing);
    const Tensor claimed = pass.logits.argmax(1).ne(standing.labels());
    const Tensor direction = at::zeros_like(pass.logits)
                                 .scatter_(1, standing.targets().unsqueeze(1), 1)
                                 .scatter_(1, standing.labels().unsqueeze(1), -1);
    const auto stand = standing.remove_fallen(x, claimed);
    if (standing.empty() || t == steps) return;
    Tensor gradient = standing.passes().vector_jacobian(pass, direction);
    if (stand) {
      x = x.index_select(0, *stand);
      gradient = gradient.index_select(0, *stand);
    }
    const double left = 1 - static_cast<double>(t) / static_cast<double>(steps);
    x = x + (first_step * ball.radius * left) * steepest(ball.norm, gradient);
    Projection(ball, /*pixel_box=*/true, standing.clean())(x);
  }
}

}  // namespace

LinearDistances linear_distances(CountedPasses& passes, const Tensor& images, const Tensor& labels,
                                 Norm norm, int64_t candidates) {
  const int64_t samples = images.size(0);
  const Pass pass = passes.forward(images, Keep::gates);
  const int64_t classes = pass.logits.size(1);
  const int64_t asked = std::min(candidates, classes - 1);
  const Tensor label = labels.unsqueeze(1);
  const Tensor others = pass.logits.scatter(1, label, -std::numeric_limits<double>::infinity());
  const auto [logits, which] = others.topk(asked, 1);
  Tensor u = at::zeros({asked, samples, classes}, pass.logits.options());
  u.scatter_(2, which.t().unsqueeze(2), 1);
  u.scatter_(2, label.unsqueeze(0).expand({asked, samples, 1}), -1);
  const Tensor rows = passes.vector_jacobian(pass, u.view({asked * samples, classes})).flatten(1);
  const Tensor dual = rows.norm(norm == Norm::linf ? 1 : 2, 1).view({asked, samples}).t();
  const Tensor margins = pass.logits.gather(1, label) - logits;
  const auto [distances, order] = (margins / dual.clamp_min(1e-30)).sort(1);
  return {which.gather(1, order), distances};
}

AttackResult run_region(const Network& network, const Tensor& images, const Tensor& labels,
                        const RegionOptions& options, std::uint64_t seed,
                        const Progress& progress) {
  Attack start;
  start.ball = options.ball;
  start.random_start = true;
  Rounds rounds{options.ball, options.restarts, options.targets, {}, {}};
  rounds.aim = [&](CountedPasses& passes, const Tensor& x, const Tensor& y) {
    return linear_distances(passes, x, y, options.ball.norm, options.candidates).classes;
  };
  rounds.run = [&](int64_t round, Standing& standing) {
    Tensor x = standing.clean();
    if (round % options.restarts > 0) {
      const auto place = static_cast<std::uint64_t>(standing.rows()[0].item<int64_t>());
      x = starting_points(x, start,
                          make_generator(seed, {static_cast<std::uint64_t>(round), place}));
    }
    ascend(standing, x, options.steps);
  };
  CountedPasses passes(network);
  return run_rounds(passes, as_inputs(network, images), labels, rounds, progress);
}

}  // namespace reluctance
