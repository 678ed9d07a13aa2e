// What an attack is to the theory of effective curvature.
#pragma once

#include <optional>

#include "reluctance/attack/attack.hpp"
#include "reluctance/theory/effective_curvature.hpp"

namespace reluctance {

// How the attack follows the parameters; nothing in L-infinity, where pixels rest on their bounds
// and the effective curvature is the Hessian's. clean: N x input shape, the images before the
// attack.
std::optional<AttackResponse> response_of(const Attack& attack, const Tensor& clean);

}  // namespace reluctance
