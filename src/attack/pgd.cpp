// Projected gradient ascent in L-infinity and L2.
#include <ATen/ATen.h>

#include <sstream>

#include "reluctance/attack/attack.hpp"

namespace reluctance {
namespace {

Tensor unit_l2(Tensor gradient) {
  const Tensor norm = gradient.flatten(1).norm(2, 1).clamp_min_(1e-30);
  Shape shape(static_cast<std::size_t>(gradient.dim()), 1);
  shape[0] = -1;
  return gradient.div_(norm.view(shape));
}

}  // namespace

Attack pgd_attack(const PgdOptions& options) {
  Attack attack;
  attack.steps = options.steps;
  attack.step_size = options.step_size > 0.0
                         ? options.step_size
                         : 2.5 * options.ball.radius / static_cast<double>(options.steps);
  attack.ball = options.ball;
  attack.random_start = options.random_start;
  attack.restarts = options.restarts;
  if (options.ball.norm == Norm::linf) {
    attack.direction = [](Tensor gradient) { return gradient.sign_(); };
  } else {
    attack.direction = unit_l2;
  }
  std::ostringstream description;
  description << "pgd, " << to_string(options.ball.norm) << ", epsilon " << options.ball.radius
              << ", " << attack.steps << " steps, step size " << attack.step_size;
  if (options.random_start) description << ", random start";
  if (options.restarts > 1) description << ", " << options.restarts << " restarts";
  attack.description = description.str();
  return attack;
}

}  // namespace reluctance
