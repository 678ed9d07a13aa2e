// Projected gradient ascent in L-infinity and L2.
#include <ATen/ATen.h>

#include <sstream>
#include <utility>

#include "reluctance/attack/attack.hpp"

namespace reluctance {
Attack pgd_attack(const PgdOptions& options) {
  Attack attack;
  attack.steps = options.steps;
  attack.step_size = options.step_size > 0.0
                         ? options.step_size
                         : 2.5 * options.ball.radius / static_cast<double>(options.steps);
  attack.ball = options.ball;
  attack.random_start = options.random_start;
  attack.restarts = options.restarts;
  attack.direction = [norm = options.ball.norm](Tensor gradient) {
    return steepest(norm, std::move(gradient));
  };
  std::ostringstream description;
  description << "pgd, " << to_string(options.ball.norm) << ", epsilon " << options.ball.radius
              << ", " << attack.steps << " steps, step size " << attack.step_size;
  if (options.random_start) description << ", random start";
  if (options.restarts > 1) description << ", " << options.restarts << " restarts";
  attack.description = description.str();
  return attack;
}

}  // namespace reluctance
