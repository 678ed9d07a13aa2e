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

  using Seed = std::uint64_t;
  return {
      {"apgd-ce",
       [apgd](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
              const Progress& progress) { return run_apgd(net, x, y, apgd, seed, progress); }},
      {"apgd-t",
       [targeted](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
                  const Progress& progress) {
         return run_targeted_apgd(net, x, y, targeted, seed, progress);
       }},
      {"fab-t",
       [fab, ball](const Network& net, const Tensor& x, const Tensor& y, Seed,
                   const Progress& progress) {
         return run_targeted_fab(net, x, y, fab, ball.radius, progress);
       }},
      {"square",
       [square](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
                const Progress& progress) {
         return run_square(net, x, y, square, seed, progress);
       }},
  };
}

}  // namespace reluctance
