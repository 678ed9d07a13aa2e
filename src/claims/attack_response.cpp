#include "reluctance/claims/attack_response.hpp"

namespace reluctance {

std::optional<AttackResponse> response_of(const Attack& attack, const Tensor& clean) {
  if (!attack.ball) {
    return RawResponse{attack.step_size * static_cast<double>(attack.steps), attack.steps};
  }
  if (attack.ball->norm == Norm::linf) return std::nullopt;
  return L2Response{attack.ball->radius, clean, attack.pixel_box, attack.steps, attack.step_size};
}

}  // namespace reluctance
