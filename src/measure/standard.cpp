// The cascade of `standard`: what each stage is, and how much of what stands it gets.
#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/region.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images) {
  using Seed = std::uint64_t;
  constexpr double productive = 0.2;
  const Guides guides = make_guides(network, images);
  const auto region = [&](const char* name, int64_t targets, int64_t steps, int64_t restarts,
                          double share) {
    RegionOptions options{ball, targets, steps, restarts};
    options.guides = guides;
    return Stage{name,
                 [options](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
                           const Progress& progress) {
                   return run_region(net, x, y, options, seed, progress);
                 },
                 share, share < 1 ? productive : 1};
  };
  std::vector<Stage> stages{region("region", 2, 10, 1, 1), region("region-longer", 2, 20, 1, 0.4),
                            region("region-restarts", 2, 20, 2, 0.15),
                            region("region-targets", 3, 30, 1, 0.1)};
  constexpr double few = 0.05;
  if (network.classes() >= 4) {
    TargetedApgdOptions apgd;
    apgd.ball = ball;
    apgd.targets = 2;
    apgd.iterations = 30;
    stages.push_back({"apgd-t",
                      [apgd](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
                             const Progress& progress) {
                        return run_targeted_apgd(net, x, y, apgd, seed, progress);
                      },
                      few, productive});
  }
  if (network.input_shape().size() == 3 || images.dim() == 4) {
    SquareOptions square;
    square.ball = ball;
    square.queries = 60;
    stages.push_back({"square",
                      [square](const Network& net, const Tensor& x, const Tensor& y, Seed seed,
                               const Progress& progress) {
                        return run_square(net, x, y, square, seed, progress);
                      },
                      few, productive});
  }
  return stages;
}

}  // namespace reluctance
