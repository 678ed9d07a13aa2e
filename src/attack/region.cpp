#include "reluctance/attack/region.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "attack/standing.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// Of the ball's radius: from one side of it to the other.
constexpr double first_step = 2;
// Of a ball's own radius in a search for the nearest point, at the start.
constexpr double largest_change = 0.2;

// Of the pixels: those that a start in L2 spends its radius on.
constexpr double concentration = 0.05;

// The way from each image to a random guide of its target.
struct Ways {
  Tensor way;    // n x input shape
  Tensor known;  // n booleans: the class has a guide; elsewhere `way` means nothing
};

Ways ways(const Standing& standing, const Guides& guides, at::Generator generator) {
  const Tensor first = guides.first.index_select(0, standing.targets());
  const Tensor count = guides.first.index_select(0, standing.targets() + 1) - first;
  const Tensor draw = at::rand(count.sizes(), generator, at::kDouble).to(count.device());
  const Tensor place = (first + (draw * count).to(at::kLong)).clamp_max(guides.order.size(0) - 1);
  const Tensor guide = guides.order.index_select(0, place);
  return {guides.images.index_select(0, guide) - standing.clean(), count.gt(0)};
}

// The signs of `way` (n x ...) where it goes farthest, after a random weight for each pixel.
Tensor concentrate(const Tensor& way, at::Generator generator) {
  const Tensor weight = at::rand(way.sizes(), generator, way.scalar_type()).to(way.device());
  const Tensor far = (way * weight).flatten(1);
  const auto kept =
      static_cast<int64_t>(std::ceil(concentration * static_cast<double>(far.size(1))));
  const Tensor least = std::get<0>(far.abs().topk(kept, 1)).amin(1, true);
  return (far.sign() * far.abs().ge(least)).view_as(way);
}

// Where a round starts: one point of ball and box for each sample, n x input shape.
Tensor starts(const Standing& standing, const RegionOptions& options, bool first,
              at::Generator generator) {
  const Tensor& clean = standing.clean();
  const auto norm = options.ball.norm;
  const bool guided = options.guides.images.defined();
  if (!guided && first) return clean;
  Tensor delta;
  Tensor known;
  if (guided) {
    Ways found = ways(standing, options.guides, generator);
    const Tensor way = norm == Norm::l2 ? concentrate(found.way, generator) : found.way;
    delta = options.ball.radius * steepest(norm, way);
    known = found.known;
  }
  if (!guided || !known.all().item<bool>()) {
    const Tensor anywhere = random_in_ball(options.ball, clean, generator);
    delta = guided ? at::where(per_sample(known, delta), delta, anywhere) : anywhere;
  }
  Tensor x = clean + delta;
  Projection(options.ball, /*pixel_box=*/true, clean)(x);
  return x;
}

// Shortens each perturbation to its own radius (n), and clips to the box.
Tensor shorten(Norm norm, const Tensor& clean, const Tensor& x, const Tensor& radius) {
  const Tensor wide = per_sample(radius, x);
  const Tensor delta = x - clean;
  const Tensor shorter =
      norm == Norm::linf
          ? at::minimum(at::maximum(delta, -wide), wide)
          : delta *
                (wide / per_sample(sample_norms(delta, norm), delta).clamp_min(1e-30)).clamp_max(1);
  return (clean + shorter).clamp_(0, 1);
}

// One class, from one start, in balls of their own. `from` (n x input shape): where to start, per
// unit of the radius.
void approach(Standing& standing, const RegionDistanceOptions& options, const Tensor& from,
              Nearest& nearest) {
  const Norm norm = options.norm;
  const Tensor& clean = standing.clean();
  Tensor x = clean;
  // The diameter of the box: where the network is flat, the boundary seems infinitely far.
  const double widest =
      norm == Norm::linf ? 1 : std::sqrt(static_cast<double>(standing.passes().network().inputs()));
  Tensor radius = nearest.distance(standing).to(clean.scalar_type());
  for (int64_t t = 0; t <= options.steps; ++t) {
    check_interrupt();
    const Boundary here = linearise(standing, x);
    const Tensor found = here.pass.logits.argmax(1).ne(standing.labels());
    nearest.update(standing, x, found);
    if (t == options.steps) return;
    const double left = 1 - static_cast<double>(t) / static_cast<double>(options.steps);
    const double change = largest_change * left;
    const Tensor known = nearest.distance(standing).to(clean.scalar_type());
    const Tensor dual = here.gradient.flatten(1).norm(norm == Norm::linf ? 1 : 2, 1);
    const Tensor linear = sample_norms(x - clean, norm) - here.value / dual.clamp_min(1e-30);
    // To the boundary as it seems, until a point beyond it is known; then in and out of it.
    const Tensor next = at::where(found, at::minimum(radius, known) * (1 - change),
                                  at::minimum(radius * (1 + change), known));
    radius = at::where(known.isinf(), linear * (1 + change), next);
    radius = radius.clamp_max(widest);
    x = t == 0 && from.defined()
            ? clean + per_sample(radius, clean) * from
            : x + per_sample(first_step * left * radius, x) * steepest(norm, here.gradient);
    x = shorten(norm, clean, x, radius);
  }
}

// One class, from one start. The step shrinks linearly: first across the ball, in the end to
// nothing.
void ascend(Standing& standing, Tensor x, int64_t steps) {
  const Ball& ball = standing.ball();
  for (int64_t t = 0; t <= steps && !standing.empty(); ++t) {
    check_interrupt();
    const Pass pass = standing.passes().forward(x, t < steps ? Keep::gates : Keep::nothing);
    const Tensor margin = margins(pass.logits, standing.labels());
    standing.keep_margins(margin);
    const Tensor claimed = margin.lt(0);
    const Tensor direction = margin_direction(pass.logits, standing.labels(), standing.targets());
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

// Asks every point once more in a pass of its own: so near the boundary, rounding alone may decide.
// Those that do not hold are moved on by a ten-thousandth, and dropped if that does not help.
void require_answers(const Network& network, const Tensor& clean, const Tensor& labels, Norm norm,
                     NearestResult& result) {
  for (bool last : {false, true}) {
    const Tensor holds = answered_wrong(logits(network, result.adversarial), labels);
    const Tensor failing = result.distance.isfinite().logical_and(holds.logical_not());
    result.passes.forward += labels.size(0);
    const Tensor rows = failing.nonzero().squeeze(1);
    if (rows.size(0) == 0) return;
    const Tensor from = clean.index_select(0, rows);
    const Tensor to = result.adversarial.index_select(0, rows);
    const Tensor moved = last ? from : (from + (1 + 1e-4) * (to - from)).clamp(0, 1);
    result.adversarial.index_copy_(0, rows, moved);
    const Tensor sizes = sample_norms(moved.to(at::kDouble) - from.to(at::kDouble), norm);
    result.distance.index_copy_(0, rows, last ? at::full_like(sizes, INFINITY) : sizes);
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
  const auto [logits, which] = other_logits(pass.logits, labels).topk(asked, 1);
  Tensor u = at::zeros({asked, samples, classes}, pass.logits.options());
  u.scatter_(2, which.t().unsqueeze(2), 1);
  u.scatter_(2, label.unsqueeze(0).expand({asked, samples, 1}), -1);
  const Tensor rows = passes.vector_jacobian(pass, u.view({asked * samples, classes})).flatten(1);
  const Tensor dual = rows.norm(norm == Norm::linf ? 1 : 2, 1).view({asked, samples}).t();
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

AttackResult run_region(const Network& network, const Tensor& images, const Tensor& labels,
                        const RegionOptions& options, std::uint64_t seed,
                        const Progress& progress) {
  Rounds rounds{options.ball, options.restarts, options.targets, {}, {}};
  rounds.aim = [&](CountedPasses& passes, const Tensor& x, const Tensor& y) {
    return linear_distances(passes, x, y, options.ball.norm, options.candidates).classes;
  };
  rounds.run = [&](int64_t round, Standing& standing) {
    const auto place = static_cast<std::uint64_t>(standing.rows()[0].item<int64_t>());
    ascend(standing,
           starts(standing, options, round % options.restarts == 0,
                  make_generator(seed, {static_cast<std::uint64_t>(round), place})),
           options.steps);
  };
  CountedPasses passes(network);
  return run_rounds(passes, as_inputs(network, images), labels, rounds, progress);
}

NearestResult region_distances(const Network& network, const Tensor& images, const Tensor& labels,
                               const RegionDistanceOptions& options, std::uint64_t seed,
                               const Progress& progress) {
  const Tensor clean = as_inputs(network, images);
  Nearest nearest(clean, options.norm);
  // In a ball of radius zero nothing falls but what is wrong as it is.
  Rounds rounds{{options.norm, 0.0}, options.restarts, options.targets, {}, {}};
  rounds.aim = [&](CountedPasses& passes, const Tensor& x, const Tensor& y) {
    return linear_distances(passes, x, y, options.norm, options.candidates).classes;
  };
  rounds.run = [&](int64_t round, Standing& standing) {
    Tensor from;
    if (round % options.restarts > 0) {
      const auto place = static_cast<std::uint64_t>(standing.rows()[0].item<int64_t>());
      from = random_in_ball({options.norm, 1}, standing.clean(),
                            make_generator(seed, {static_cast<std::uint64_t>(round), place}));
    }
    approach(standing, options, from, nearest);
  };
  CountedPasses passes(network);
  NearestResult result = nearest.result(run_rounds(passes, clean, labels, rounds, progress));
  require_answers(network, clean, labels, options.norm, result);
  return result;
}

}  // namespace reluctance
