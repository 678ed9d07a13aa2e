#include "reluctance/attack/nearest_class.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "attack/standing.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/geometry/sparse.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// Of the ball's radius: from one side of it to the other.
constexpr double first_step = 2;
// Of a ball's own radius in a search for the nearest point, at the start.
constexpr double largest_change = 0.2;

// Of the pixels: those that a start in L2 spends its radius on.
constexpr double concentration = 0.05;

// The difference from each image to a random guide of its target.
struct Direction {
  Tensor difference;  // n x input shape
  Tensor known;       // n booleans: the class has a guide; elsewhere the difference means nothing
};

Direction towards_guide(const Standing& standing, const Guides& guides, std::uint64_t seed) {
  const Tensor first = guides.first.index_select(0, standing.targets());
  const Tensor count = guides.first.index_select(0, standing.targets() + 1) - first;
  const Tensor draw = uniform_rows(seed, standing.samples().index, 1, standing.clean()).squeeze(1);
  const Tensor place =
      (first + (draw.to(at::kDouble) * count).to(at::kLong)).clamp_max(guides.order.size(0) - 1);
  const Tensor guide = guides.order.index_select(0, place);
  return {guides.images.index_select(0, guide) - standing.clean(), count.gt(0)};
}

// Differences (n x pixels) with a random weight for each pixel.
Tensor weighted(const Tensor& difference, const Tensor& index, std::uint64_t seed) {
  return difference * uniform_rows(seed, index, difference.size(1), difference);
}

// The signs of a difference (n x ...) where it is largest, after a random weight for each pixel.
Tensor concentrate(const Tensor& difference, const Tensor& index, std::uint64_t seed) {
  const Tensor far = weighted(difference.flatten(1), index, seed);
  const auto kept =
      static_cast<int64_t>(std::ceil(concentration * static_cast<double>(far.size(1))));
  const Tensor least = std::get<0>(far.abs().topk(kept, 1)).amin(1, true);
  return (far.sign() * far.abs().ge(least)).view_as(difference);
}

// The way to a guide at the edge of the ball: in L-infinity all pixels, in L2 some of them, in L1
// as many, one after the other, as the radius takes to the guide's own values.
Tensor towards(const Ball& ball, const Tensor& difference, const Tensor& index,
               std::uint64_t seed) {
  if (ball.norm == Norm::linf) return ball.radius * steepest_in(ball, difference);
  // Fixed features are not on the way.
  const Tensor free = ball.domain.by_reach(difference);
  if (ball.norm == Norm::l2) {
    return ball.radius * steepest_in(ball, concentrate(free, index, seed));
  }
  const Tensor flat = free.flatten(1);
  const Tensor room = flat.abs();
  const Tensor moved = spend(at::full_like(room.select(1, 0), ball.radius),
                             weighted(room, index, seed), room, at::ones_like(room));
  return (moved * flat.sign()).view_as(difference);
}

// Where a round starts: one point of ball and box for each sample, n x input shape.
Tensor starts(const Standing& standing, const NearestClassOptions& options, bool first,
              std::uint64_t seed) {
  const Tensor& clean = standing.clean();
  const Tensor& index = standing.samples().index;
  const bool guided = options.guides.images.defined();
  if (!guided && first) return clean;
  Tensor delta;
  Tensor known;
  if (guided) {
    const Direction found = towards_guide(standing, options.guides, derive_seed(seed, {0}));
    delta = towards(options.ball, found.difference, index, derive_seed(seed, {1}));
    known = found.known;
  }
  if (!guided || !known.all().item<bool>()) {
    const Tensor anywhere = random_in_ball(options.ball, clean, index, derive_seed(seed, {2}));
    delta = guided ? at::where(per_sample(known, delta), delta, anywhere) : anywhere;
  }
  Tensor x = clean + delta;
  Projection(options.ball, /*in_box=*/true, clean)(x);
  return x;
}

// The point of ball and box (a radius for each sample: n) where the linear function with this
// gradient is largest in L1: pixels go to their walls one after the other, the steepest first.
Tensor corner(const Domain& domain, const Tensor& clean, const Tensor& radius,
              const Tensor& gradient) {
  const Tensor slope = domain.by_reach(gradient).flatten(1);
  const Tensor sign = slope.sign();
  const Tensor move =
      spend(radius, slope.abs(), domain.room(sign, clean.flatten(1)), at::ones_like(slope));
  return clean + (sign * move).view_as(clean);
}

// A step of steepest ascent in balls like this one of these radii (n), `left` of the longest:
// across the ball; in L1, where that would drive one pixel at a time beyond its wall, so much of
// the way to the corner (Frank and Wolfe 1956).
Tensor ascent_step(const Ball& ball, const Tensor& radius, const Tensor& clean, const Tensor& x,
                   const Tensor& gradient, double left) {
  const Tensor reach = radius.to(x.scalar_type());
  Tensor next = ball.norm == Norm::l1
                    ? at::lerp(x, corner(ball.domain, clean, reach, gradient), left)
                    : x + per_sample(first_step * left * reach, x) * steepest_in(ball, gradient);
  Projection(ball, radius, /*in_box=*/true, clean)(next);
  return next;
}

// One class, from one start, in balls of their own. `from` (n x input shape): where to start, per
// unit of the radius.
void approach(Standing& standing, const NearestPointOptions& options, const Tensor& from,
              Nearest& nearest) {
  const Ball& ball = *standing.ball();
  const Tensor& clean = standing.clean();
  Tensor x = clean;
  // The diameter of the box: where the network is flat, the boundary seems infinitely far.
  const double most = widest(ball, standing.passes().network().inputs());
  Tensor radius = nearest.distance(standing).to(clean.scalar_type());
  for (int64_t t = 0; t <= options.steps; ++t) {
    check_interrupt();
    const Boundary here = linearise(standing, x);
    const Tensor found = succeeded(here.pass.logits, standing.samples());
    nearest.update(standing, x, found);
    if (t == options.steps) return;
    const double left = 1 - static_cast<double>(t) / static_cast<double>(options.steps);
    const double change = largest_change * left;
    const Tensor known = nearest.distance(standing).to(clean.scalar_type());
    const Tensor dual = dual_sizes_in(ball, here.gradient);
    const Tensor linear = sizes_in(ball, x - clean) - here.value / dual.clamp_min(1e-30);
    // To the boundary as it seems, until a point beyond it is known; then in and out of it.
    const Tensor next = at::where(found, at::minimum(radius, known) * (1 - change),
                                  at::minimum(radius * (1 + change), known));
    radius = at::where(known.isinf(), linear * (1 + change), next);
    radius = radius.clamp_max(most);
    if (t == 0 && from.defined()) {
      x = clean + per_sample(radius, clean) * from;
      Projection(ball, radius, /*in_box=*/true, clean)(x);
    } else {
      x = ascent_step(ball, radius, clean, x, here.gradient, left);
    }
  }
}

// One class, from one start. The step shrinks linearly: first across the ball, in the end to
// nothing.
void ascend(Standing& standing, Tensor x, int64_t steps) {
  const Ball& ball = *standing.ball();
  for (int64_t t = 0; t <= steps && !standing.empty(); ++t) {
    check_interrupt();
    const Pass pass = standing.passes().forward(x, t < steps ? Keep::gates : Keep::nothing);
    const Tensor margin = margins(pass.logits, standing.samples());
    standing.keep_margins(margin);
    const Tensor direction = margin_direction(pass.logits, standing.labels(), standing.targets());
    const auto stand = standing.remove_fallen(x, margin.lt(0));
    if (standing.empty() || t == steps) return;
    Tensor gradient = standing.passes().vector_jacobian(pass, direction);
    if (stand) {
      x = x.index_select(0, *stand);
      gradient = gradient.index_select(0, *stand);
    }
    const double left = 1 - static_cast<double>(t) / static_cast<double>(steps);
    // In float64: rounded to the pixels' type it might be longer.
    const Tensor radius = at::full({x.size(0)}, ball.radius, x.options().dtype(at::kDouble));
    x = ascent_step(ball, radius, standing.clean(), x, gradient, left);
  }
}

// The order in which classes are tried, for Rounds::aim.
auto nearest_first(const Ball& ball, int64_t candidates) {
  return [=](CountedPasses& passes, const Samples& samples) {
    return linear_distances(passes, samples, ball, candidates).classes;
  };
}

// Asks every point once more in a pass of its own: so near the boundary, rounding alone may decide.
// Those that do not hold are moved on by a ten-thousandth, and dropped if that does not help.
void require_answers(const Network& network, const Samples& samples, const Ball& ball,
                     NearestResult& result) {
  const Tensor& clean = samples.images;
  for (bool last : {false, true}) {
    const Tensor holds = succeeded(logits(network, result.adversarial), samples);
    const Tensor failing = result.distance.isfinite().logical_and(holds.logical_not());
    result.passes.forward += samples.count();
    const Tensor rows = failing.nonzero().squeeze(1);
    if (rows.size(0) == 0) return;
    const Tensor from = clean.index_select(0, rows);
    const Tensor to = result.adversarial.index_select(0, rows);
    const Tensor moved = last ? from : ball.domain.clip(from + (1 + 1e-4) * (to - from), from);
    result.adversarial.index_copy_(0, rows, moved);
    const Tensor sizes = sizes_in(ball, moved.to(at::kDouble) - from.to(at::kDouble));
    result.distance.index_copy_(0, rows, last ? at::full_like(sizes, INFINITY) : sizes);
  }
}

}  // namespace

LinearDistances linear_distances(CountedPasses& passes, const Samples& samples, const Ball& ball,
                                 int64_t candidates) {
  const int64_t count = samples.count();
  const Pass pass = passes.forward(samples.images, Keep::gates);
  const int64_t classes = pass.logits.size(1);
  const int64_t asked = std::min(candidates, classes - 1);
  const Tensor label = samples.labels.unsqueeze(1);
  const auto [logits, which] = other_logits(pass.logits, samples.labels).topk(asked, 1);
  Tensor u = at::zeros({asked, count, classes}, pass.logits.options());
  u.scatter_(2, which.t().unsqueeze(2), 1);
  u.scatter_(2, label.unsqueeze(0).expand({asked, count, 1}), -1);
  const Tensor rows = passes.vector_jacobian(pass, u.view({asked * count, classes}));
  const Tensor dual = dual_sizes_in(ball, rows).view({asked, count}).t();
  const Tensor margins = pass.logits.gather(1, label) - logits;
  const auto [distances, order] = (margins / dual.clamp_min(1e-30)).sort(1);
  return {which.gather(1, order), distances};
}

Guides make_guides(const Network& network, const Tensor& images) {
  const Tensor x = as_inputs(network, images);
  const Tensor answers = logits(network, x).argmax(1);
  const Tensor count = at::bincount(answers, {}, network.classes());
  return {x, answers.argsort(/*stable=*/true, 0, false),
          at::constant_pad_nd(count.cumsum(0), {1, 0})};
}

Attack nearest_class_attack(const NearestClassOptions& options) {
  return {"nearest-class", options.ball,
          [options](const Network& network, const Samples& samples, const Context& context) {
            Rounds rounds{options.ball,
                          options.restarts,
                          options.targets,
                          nearest_first(options.ball, options.candidates),
                          {}};
            rounds.run = [&](int64_t round, Standing& standing) {
              const auto place = static_cast<std::uint64_t>(round);
              ascend(standing,
                     starts(standing, options, round % options.restarts == 0,
                            derive_seed(context.seed, {place})),
                     options.steps);
            };
            return run_rounds(network, samples, rounds, context);
          }};
}

NearestResult nearest_points(const Network& network, const Samples& samples,
                             const NearestPointOptions& options, const Context& context) {
  const Samples all = as_inputs(network, samples);
  // In a ball of radius zero nothing falls but what is wrong as it is.
  const Ball ball{options.norm, 0, options.domain};
  Nearest nearest(all.images, ball);
  Rounds rounds{
      ball, options.restarts, options.targets, nearest_first(ball, options.candidates), {}};
  rounds.run = [&](int64_t round, Standing& standing) {
    Tensor from;
    if (round % options.restarts > 0) {
      const auto place = static_cast<std::uint64_t>(round);
      from = random_in_ball({options.norm, 1, options.domain}, standing.clean(),
                            standing.samples().index, derive_seed(context.seed, {place}));
    }
    approach(standing, options, from, nearest);
  };
  NearestResult result = nearest.result(run_rounds(network, all, rounds, context));
  require_answers(network, all, ball, result);
  return result;
}

}  // namespace reluctance
