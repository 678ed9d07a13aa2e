// The attacks of AutoAttack, in their published order.
#include <string>

#include "measure/stage.hpp"
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
  TargetedApgdOptions targeted;
  targeted.ball = ball;
  targeted.iterations = options.iterations;
  targeted.targets = options.targets;
  FabOptions fab;
  fab.norm = ball.norm;
  fab.iterations = options.iterations;
  fab.targets = options.targets;
  SquareOptions square;
  square.ball = ball;
  square.queries = options.square_queries;

  return {
      stage_of("apgd-ce", run_apgd, apgd),
      stage_of("apgd-t", run_targeted_apgd, targeted),
      // Not random: it takes a radius where the others take a seed.
      {"fab-t",
       [fab, ball](const Network& net, const Tensor& x, const Tensor& y, std::uint64_t,
                   const Progress& progress) {
         return run_targeted_fab(net, x, y, fab, ball.radius, progress);
       }},
      stage_of("square", run_square, square),
  };
}

}  // namespace reluctance
