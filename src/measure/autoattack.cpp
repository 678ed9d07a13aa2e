// The attacks of AutoAttack, in their published order.
#include <string>

#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

std::vector<Stage> autoattack_stages(const Network& network, const Ball& ball,
                                     const AutoattackOptions& options) {
  // Said before hours of the first attack, not after them.
  if (network.classes() < 4) {
    throw Error("AutoAttack needs at least 4 classes, for its targeted loss; this network has " +
                std::to_string(network.classes()));
  }
  ApgdOptions apgd;
  apgd.ball = ball;
  apgd.iterations = options.iterations;
  ApgdOptions targeted = apgd;
  targeted.loss = dlr_loss();
  targeted.targets = options.targets;
  FabOptions fab;
  fab.ball = ball;
  fab.iterations = options.iterations;
  fab.targets = options.targets;
  SquareOptions square;
  square.ball = ball;
  square.queries = options.square_queries;
  return {{apgd_attack(apgd)}, {apgd_attack(targeted)}, {fab_attack(fab)}, {square_attack(square)}};
}

}  // namespace reluctance
