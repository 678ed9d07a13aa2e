// The cascade of `standard`: what each stage is, and how much of what stands it gets.
#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {
namespace {

// The attack on a share of what stands, again and again while it is productive.
Stage on(double share, Attack attack) { return {std::move(attack), share, 0.2}; }

}  // namespace

std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images) {
  const Guides guides = make_guides(network, images);
  const auto search = [&](const char* name, int64_t targets, int64_t steps, int64_t restarts) {
    Attack attack = nearest_class_attack({ball, targets, steps, restarts, guides});
    attack.name = name;
    return attack;
  };
  std::vector<Stage> stages{{search("nearest-class", 2, 10, 1)},
                            on(0.4, search("longer", 2, 20, 1)),
                            on(0.15, search("restarts", 2, 20, 2)),
                            on(0.1, search("targets", 3, 30, 1))};
  constexpr double few = 0.05;
  if (network.classes() >= 4) {
    ApgdOptions apgd;
    apgd.ball = ball;
    apgd.loss = dlr_loss();
    apgd.targets = 2;
    apgd.iterations = 30;
    stages.push_back(on(few, apgd_attack(apgd)));
  }
  if (network.input_shape().size() == 3 || images.dim() == 4) {
    SquareOptions square;
    square.ball = ball;
    square.queries = 60;
    stages.push_back(on(few, square_attack(square)));
  }
  return stages;
}

}  // namespace reluctance
