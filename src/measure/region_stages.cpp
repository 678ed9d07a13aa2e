// The region attack alone, as an ensemble.
#include "reluctance/attack/region.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

std::vector<Stage> region_stages(const Ball& ball) {
  RegionOptions quick;
  quick.ball = ball;
  RegionOptions thorough = quick;
  thorough.targets = 3;
  thorough.steps = 20;
  thorough.restarts = 3;
  const auto stage = [](const char* name, const RegionOptions& options) {
    return Stage{name, [options](const Network& network, const Tensor& images, const Tensor& labels,
                                 std::uint64_t seed, const Progress& progress) {
                   return run_region(network, images, labels, options, seed, progress);
                 }};
  };
  return {stage("region", quick), stage("region-restarts", thorough)};
}

}  // namespace reluctance
