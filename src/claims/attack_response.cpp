#include "reluctance/claims/attack_response.hpp"

namespace reluctance {

FollowedAttack follow_attack(const Network& network, const Tensor& clean, const Tensor& labels,
                             const Attack& attack, std::uint64_t seed, const Progress& progress) {
  if (attack.ball && attack.ball->norm == Norm::l2) {
    const std::vector<Tensor> path = attack_path(network, clean, labels, attack, seed, progress);
    return {path.back(), L2Response{attack.ball->radius, as_inputs(network, clean),
                                    attack.pixel_box, path, attack.step_size}};
  }
  Attack once = attack;
  once.restarts = 1;
  FollowedAttack result{run_attack(network, clean, labels, once, seed, progress).adversarial,
                        std::nullopt};
  if (!attack.ball) {
    result.response =
        RawResponse{attack.step_size * static_cast<double>(attack.steps), attack.steps};
  }
  return result;
}

}  // namespace reluctance
