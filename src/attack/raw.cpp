// The attack of the theory: plain gradient ascent, neither normalised nor projected.
#include <sstream>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

Attack raw_attack(double beta, int64_t steps) {
  std::ostringstream description;
  description << "raw, beta " << beta << ", " << steps << " steps";
  Attack attack;
  attack.description = description.str();
  attack.steps = steps;
  attack.step_size = beta / static_cast<double>(steps);
  attack.pixel_box = false;
  attack.direction = [](Tensor gradient) { return gradient; };
  return attack;
}

}  // namespace reluctance
