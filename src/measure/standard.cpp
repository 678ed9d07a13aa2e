// The cascade of `standard`: what each stage is, and how much of what stands it gets.
#include "measure/stage.hpp"
#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/region.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {
namespace {

// The stage on a share of what stands, again and again while it is productive.
Stage on(double share, Stage stage) {
  stage.share = share;
  stage.again_above = 0.2;
  return stage;
}

}  // namespace

std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images) {
  const Guides guides = make_guides(network, images);
  const auto region = [&](const char* name, int64_t targets, int64_t steps, int64_t restarts) {
    RegionOptions options{ball, targets, steps, restarts};
    options.guides = guides;
    return stage_of(name, run_region, options);
  };
  std::vector<Stage> stages{region("region", 2, 10, 1), on(0.4, region("region-longer", 2, 20, 1)),
                            on(0.15, region("region-restarts", 2, 20, 2)),
                            on(0.1, region("region-targets", 3, 30, 1))};
  constexpr double few = 0.05;
  if (network.classes() >= 4) {
    TargetedApgdOptions apgd;
    apgd.ball = ball;
    apgd.targets = 2;
    apgd.iterations = 30;
    stages.push_back(on(few, stage_of("apgd-t", run_targeted_apgd, apgd)));
  }
  if (network.input_shape().size() == 3 || images.dim() == 4) {
    SquareOptions square;
    square.ball = ball;
    square.queries = 60;
    stages.push_back(on(few, stage_of("square", run_square, square)));
  }
  return stages;
}

}  // namespace reluctance
