// What an attack is to the theory of effective curvature.
#pragma once

#include <cstdint>
#include <optional>

#include "reluctance/attack/attack.hpp"
#include "reluctance/theory/effective_curvature.hpp"

namespace reluctance {

// Attacked images and how the attack follows the parameters; `response` is nothing in L-infinity,
// where pixels rest on their bounds and the effective curvature is the Hessian's.
struct FollowedAttack {
  Tensor attacked;  // N x input shape
  std::optional<AttackResponse> response;
};

// Runs the attack once. clean: N x input shape.
FollowedAttack follow_attack(const Network& network, const Tensor& clean, const Tensor& labels,
                             const Attack& attack, std::uint64_t seed = 0,
                             const Progress& progress = {});

}  // namespace reluctance
