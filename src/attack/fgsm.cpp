// The fast gradient sign method.
#include <ATen/ATen.h>

#include <sstream>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

Attack fgsm_attack(double epsilon, bool random_start) {
  std::ostringstream description;
  description << "fgsm, linf, epsilon " << epsilon << (random_start ? ", random start" : "");
  Attack attack;
  attack.description = description.str();
  attack.step_size = random_start ? 1.25 * epsilon : epsilon;
  attack.ball = Ball{Norm::linf, epsilon};
  attack.random_start = random_start;
  attack.direction = [](Tensor gradient) { return gradient.sign_(); };
  return attack;
}

}  // namespace reluctance
