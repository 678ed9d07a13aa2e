// The attacks of AutoAttack, in their published order.
#include <algorithm>

#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

std::vector<Stage> autoattack_stages(const Network& network, const Ball& ball,
                                     const AutoattackOptions& options) {
  ApgdOptions apgd = published_apgd(ball, cross_entropy_loss());
  apgd.iterations = options.iterations;
  ApgdOptions targeted = published_targeted_apgd(ball);
  targeted.iterations = options.iterations;
  targeted.targets = std::min(targeted.targets, options.targets);
  FabOptions fab;
  fab.ball = ball;
  fab.iterations = options.iterations;
  fab.targets = options.targets;
  SquareOptions square;
  square.ball = ball;
  square.queries = options.square_queries;
  std::vector<Stage> stages{{apgd_attack(apgd)}};
  constexpr int64_t least_classes = 4;  // of the targeted loss
  if (network.classes() >= least_classes) stages.push_back({apgd_attack(targeted)});
  stages.push_back({fab_attack(fab)});
  stages.push_back({square_attack(square)});
  return stages;
}

}  // namespace reluctance
