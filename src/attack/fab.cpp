#include "reluctance/attack/fab.hpp"

#include <ATen/ATen.h>

#include "attack/standing.hpp"
#include "reluctance/geometry/sparse.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// A step beyond the boundary, from x and, with a small weight, from the image itself.
Tensor step(Standing& standing, const FabOptions& options, const Tensor& x) {
  const Boundary here = linearise(standing, x);
  const Ball& ball = options.ball;
  const Tensor gradient = here.gradient.flatten(1);
  const Tensor rows = x.flatten(1);
  const Tensor clean = standing.clean().flatten(1);
  const Tensor from_x = project_onto_boundary(ball, rows, gradient, here.value);
  // The same hyperplane, seen from the image.
  const Tensor value = here.value + (gradient * (clean - rows)).sum(1);
  const Tensor from_clean = project_onto_boundary(ball, clean, gradient, value);
  const Tensor near = sizes_in(ball, from_x).clamp_min_(1e-8);
  const Tensor far = sizes_in(ball, from_clean).clamp_min_(1e-8);
  const Tensor weight = (near / (near + far)).clamp_max_(options.bias_limit).unsqueeze(1);
  const Tensor next = at::lerp(rows + options.extrapolation * from_x,
                               clean + options.extrapolation * from_clean, weight);
  return ball.domain.clip(next.view_as(x), standing.clean());
}

// One target's iterations. A sample falls when it is found adversarial inside standing's ball; in a
// search for the nearest points all go on.
void search(Standing& standing, const FabOptions& options, Nearest* nearest) {
  Tensor x = standing.clean();
  for (int64_t k = 0; k < options.iterations && !standing.empty(); ++k) {
    check_interrupt();
    x = step(standing, options, x);
    const Tensor z = standing.passes().forward(x, Keep::nothing).logits;
    Tensor found = succeeded(z, standing.samples());
    if (nearest) {
      nearest->update(standing, x, found);
    } else if (const auto stand = standing.remove_fallen(x, found)) {
      x = x.index_select(0, *stand);
      found = found.index_select(0, *stand);
    }
    const Tensor back = at::lerp(standing.clean(), x, options.backward);
    x = at::where(per_sample(found, x), back, x);
  }
}

AttackResult run(const Network& network, const Samples& samples, const FabOptions& options,
                 Nearest* nearest, const Context& context) {
  Rounds rounds{options.ball, 1, options.targets, {}, {}};
  rounds.run = [&](int64_t, Standing& standing) { search(standing, options, nearest); };
  return run_rounds(network, samples, rounds, context);
}

// In L-infinity and L2 every pixel moves towards the boundary until it meets a wall of the box:
// pixel i by min(lambda speed_i, room_i). What is gained, sum_i slope_i min(lambda speed_i,
// room_i), is increasing, concave and piecewise linear in lambda, so that Newton's method from
// below is exact after finitely many steps, and without sorting. slope, room: N x n, wanted: N -> N
// x n.
Tensor move_together(Norm norm, const Tensor& slope, const Tensor& room, const Tensor& wanted) {
  const Tensor speed = norm == Norm::linf ? slope.sign() : slope;
  // Rounding leaves the last steps without progress.
  const double tolerance = slope.scalar_type() == at::kDouble ? 1e-13 : 1e-6;
  constexpr int64_t most = 100;
  Tensor lambda = at::zeros_like(wanted);
  Tensor move = at::zeros_like(slope);
  for (int64_t step = 0; step < most; ++step) {
    const Tensor missing = wanted - (slope * move).sum(1);
    const Tensor rate = (slope * speed * move.lt(room)).sum(1);
    const Tensor open = missing.gt(tolerance * wanted).logical_and_(rate.gt(0));
    if (!open.any().item<bool>()) break;
    lambda = at::where(open, lambda + missing / rate, lambda);
    move = at::minimum(lambda.unsqueeze(1) * speed, room);
  }
  return move;
}

}  // namespace

Attack fab_attack(const FabOptions& options) {
  return {"fab-t", options.ball,
          [options](const Network& network, const Samples& samples, const Context& context) {
            return run(network, samples, options, nullptr, context);
          }};
}

NearestResult fab_distances(const Network& network, const Samples& samples,
                            const FabOptions& options, const Context& context) {
  Nearest nearest(as_inputs(network, samples.images), options.ball);
  // In a ball of radius zero nothing falls but what is wrong as it is.
  FabOptions everywhere = options;
  everywhere.ball.radius = 0;
  return nearest.result(run(network, samples, everywhere, &nearest, context));
}

Tensor project_onto_boundary(const Ball& ball, const Tensor& x, const Tensor& gradient,
                             const Tensor& value) {
  const Tensor towards = -gradient.sign() * value.sign().unsqueeze(1);
  const Tensor slope = ball.domain.by_reach(gradient.abs());
  const Tensor room = ball.domain.in_units(ball.domain.room(towards, x));
  const Tensor move = ball.norm == Norm::l1 ? spend(value.abs(), slope, room, slope)
                                            : move_together(ball.norm, slope, room, value.abs());
  return ball.domain.by_reach(towards * move);
}

}  // namespace reluctance
