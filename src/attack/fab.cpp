#include "reluctance/attack/fab.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "attack/standing.hpp"

namespace reluctance {
namespace {

// The nearest adversarial points so far, of the whole batch. Threads write to different rows.
struct Nearest {
  Tensor adversarial, distance;

  // Enters those of the points x around `clean` that are `found` and nearer than what is known.
  void update(Norm norm, const Tensor& rows, const Tensor& clean, const Tensor& x,
              const Tensor& found) {
    const Tensor sizes = sample_norms(x.to(at::kDouble) - clean.to(at::kDouble), norm);
    const Tensor better = found.logical_and(sizes.lt(distance.index_select(0, rows)));
    const Tensor those = better.nonzero().squeeze(1);
    const Tensor places = rows.index_select(0, those);
    adversarial.index_copy_(0, places, x.index_select(0, those));
    distance.index_copy_(0, places, sizes.index_select(0, those));
  }
};

// The logit of the target less that of the label (n), and its gradient (n x inputs).
struct Boundary {
  Tensor value, gradient;
};

Boundary linearise(Standing& standing, const Tensor& x) {
  const Pass pass = standing.passes().forward(x, Keep::gates);
  const Tensor direction = at::zeros_like(pass.logits)
                               .scatter_(1, standing.targets().unsqueeze(1), 1)
                               .scatter_(1, standing.labels().unsqueeze(1), -1);
  return {(direction * pass.logits).sum(1),
          standing.passes().vector_jacobian(pass, direction).flatten(1)};
}

// A step beyond the boundary, from x and, with a small weight, from the image itself.
Tensor step(Standing& standing, const FabOptions& options, const Tensor& x) {
  const Boundary here = linearise(standing, x);
  const Tensor rows = x.flatten(1);
  const Tensor clean = standing.clean().flatten(1);
  const Tensor from_x = project_onto_boundary(options.norm, rows, here.gradient, here.value);
  // The same hyperplane, seen from the image.
  const Tensor value = here.value + (here.gradient * (clean - rows)).sum(1);
  const Tensor from_clean = project_onto_boundary(options.norm, clean, here.gradient, value);
  const Tensor near = sample_norms(from_x, options.norm).clamp_min_(1e-8);
  const Tensor far = sample_norms(from_clean, options.norm).clamp_min_(1e-8);
  const Tensor weight = (near / (near + far)).clamp_max_(options.bias_limit).unsqueeze(1);
  const Tensor next = at::lerp(rows + options.extrapolation * from_x,
                               clean + options.extrapolation * from_clean, weight);
  return next.clamp(0, 1).view_as(x);
}

// One target's iterations. A sample falls when it is found adversarial inside standing's ball.
void search(Standing& standing, const FabOptions& options, Nearest* nearest) {
  Tensor x = standing.clean();
  for (int64_t k = 0; k < options.iterations && !standing.empty(); ++k) {
    check_interrupt();
    x = step(standing, options, x);
    const Tensor answers = standing.passes().forward(x, Keep::nothing).logits.argmax(1);
    Tensor found = answers.ne(standing.labels());
    if (nearest) nearest->update(options.norm, standing.rows(), standing.clean(), x, found);
    if (const auto stand = standing.remove_fallen(x, found)) {
      x = x.index_select(0, *stand);
      found = found.index_select(0, *stand);
    }
    const Tensor back = at::lerp(standing.clean(), x, options.backward);
    x = at::where(per_sample(found, x), back, x);
  }
}

AttackResult run(CountedPasses& passes, const Tensor& clean, const Tensor& labels,
                 const FabOptions& options, double radius, Nearest* nearest,
                 const Progress& progress) {
  Rounds rounds{{options.norm, radius}, 1, options.targets, {}, {}};
  rounds.run = [&](int64_t, Standing& standing) { search(standing, options, nearest); };
  return run_rounds(passes, clean, labels, rounds, progress);
}

}  // namespace

AttackResult run_targeted_fab(const Network& network, const Tensor& images, const Tensor& labels,
                              const FabOptions& options, double radius, const Progress& progress) {
  CountedPasses passes(network);
  return run(passes, as_inputs(network, images), labels, options, radius, nullptr, progress);
}

NearestResult nearest_adversarial(const Network& network, const Tensor& images,
                                  const Tensor& labels, const FabOptions& options,
                                  const Progress& progress) {
  CountedPasses passes(network);
  const Tensor clean = as_inputs(network, images);
  Nearest nearest{clean.clone(), at::full({clean.size(0)}, std::numeric_limits<double>::infinity(),
                                          clean.options().dtype(at::kDouble))};
  // In a ball of radius zero nothing falls but what is wrong as it is.
  const AttackResult wrong = run(passes, clean, labels, options, 0.0, &nearest, progress);
  nearest.distance.masked_fill_(wrong.success, 0.0);
  return {nearest.adversarial, nearest.distance, wrong.passes};
}

Tensor project_onto_boundary(Norm norm, const Tensor& x, const Tensor& gradient,
                             const Tensor& value) {
  // Every pixel moves towards the boundary until it meets a wall of the box: pixel i by
  // min(lambda speed_i, room_i). What is gained, sum_i |g_i| min(lambda speed_i, room_i), is
  // increasing, concave and piecewise linear in lambda, so that Newton's method from below is exact
  // after finitely many steps, and without sorting.
  const Tensor towards = -gradient.sign() * value.sign().unsqueeze(1);
  const Tensor slope = gradient.abs();
  const Tensor speed = norm == Norm::linf ? towards.abs() : slope;
  const Tensor room = at::where(towards.gt(0), 1 - x, x).mul_(towards.abs());
  const Tensor wanted = value.abs();
  // Rounding leaves the last steps without progress.
  const double tolerance = x.scalar_type() == at::kDouble ? 1e-13 : 1e-6;
  constexpr int64_t most = 100;
  Tensor lambda = at::zeros_like(value);
  Tensor move = at::zeros_like(x);
  for (int64_t step = 0; step < most; ++step) {
    const Tensor missing = wanted - (slope * move).sum(1);
    const Tensor rate = (slope * speed * move.lt(room)).sum(1);
    const Tensor open = missing.gt(tolerance * wanted).logical_and_(rate.gt(0));
    if (!open.any().item<bool>()) break;
    lambda = at::where(open, lambda + missing / rate, lambda);
    move = at::minimum(lambda.unsqueeze(1) * speed, room);
  }
  return towards * move;
}

}  // namespace reluctance
