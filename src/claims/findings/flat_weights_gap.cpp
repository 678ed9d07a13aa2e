#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double ranked_alike = 0.5;    // of sharpness and gap, over networks
constexpr double displacement = 0.005;  // of the parameters' length: the budget of AWP

const Ball ball{Norm::linf, usual_linf};

// Rise of the adversarial loss where the weights are displaced along its gradient.
double rise(const Network& network, const Samples& samples) {
  const Objective objective{cross_entropy_loss(), plain_pgd(ball, 10)};
  const auto n = static_cast<double>(samples.count());
  const auto gradient = [&](const Network& at_network) {
    return batch_gradient(at_network, samples, objective);
  };
  const BatchGradient here = gradient(network);
  const Tensor direction = here.flat();
  const Tensor step =
      direction * (displacement * network.flat_parameters().norm() / direction.norm());
  return (gradient(network.displaced(step)).loss_sum - here.loss_sum) / n;
}

Outcome test(Laboratory& laboratory) {
  const Samples held_out = laboratory.held_out();
  std::vector<double> by_rise;
  std::vector<double> by_curvature;
  laboratory.repeat([&](std::uint64_t repetition) {
    std::vector<double> rises;
    std::vector<double> curvatures;
    std::vector<double> gaps;
    for (const double decay : {0.0, 5e-4, 5e-3}) {
      for (const int64_t epochs : {5, 20, 60}) {
        Recipe recipe;
        recipe.ball = ball;
        recipe.images = 2000;
        recipe.weight_decay = decay;
        recipe.epochs = epochs;
        recipe.repetition = repetition;
        const Network network = laboratory.trained(recipe);
        const Samples samples = laboratory.training(1000);
        rises.push_back(rise(network, samples));
        curvatures.push_back(largest_curvature(network, laboratory.training(500), ball));
        gaps.push_back(robust_share(network, samples, ball) -
                       robust_share(network, held_out, ball));
      }
    }
    const auto ranked = [&](const std::vector<double>& sharpness) {
      return rank_correlation(at::tensor(sharpness, at::kDouble), at::tensor(gaps, at::kDouble));
    };
    by_rise.push_back(ranked(rises));
    by_curvature.push_back(ranked(curvatures));
  });
  return conclude({
      check("rank correlation of the rise of the adversarial loss under a displacement of the "
            "weights "
            "with the robust gap, over nine trainings",
            mean_interval(by_rise), Check::Relation::at_least, ranked_alike),
      check("the same of the largest curvature in the parameters", mean_interval(by_curvature),
            Check::Relation::at_least, ranked_alike),
  });
}

}  // namespace

EarlierFinding flat_weights_gap_finding() {
  return {
      "flat-weights-gap",
      "Flatter weight landscapes go with a smaller robust gap",
      "Wu, Xia, Wang, Adversarial Weight Perturbation Helps Robust Generalization, NeurIPS 2020",
      "Curvature that few samples carry is curvature that held-out images do not share: the more "
      "of it, the larger the gap.",
      {"Theorem 6"},
      "Nine trainings of three weight decays and three lengths on 2,000 images, L-infinity 0.05.",
      "Rise: holds. Curvature: open, since it falls where the training images are fitted.",
      true,
      test};
}

}  // namespace reluctance
