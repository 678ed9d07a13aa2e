#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed after a first design had been run and one network looked at (docs/findings.md).
constexpr double formula_error = 0.1;  // of the change that C_eff predicts for L2
constexpr double rougher = 2;          // factor between L-infinity and L2
constexpr int64_t images = 128;

// Changes of the adversarial gradient along one direction of the weights, per displacement.
struct Changes {
  double predicted;  // by the curvature of the region that the weights are in
  double error;      // of that over 1e-7 of the weights' length, relative
  double largest;    // over 1e-6 to 1e-3
};

Changes changes(const Network& network, const Samples& samples, const Ball& ball,
                std::uint64_t seed) {
  const Objective objective{cross_entropy_loss(), plain_pgd(ball, 10)};
  const auto gradient = [&](const Network& at_network) {
    return batch_gradient(at_network, samples, objective).flat();
  };
  const Tensor parameters = network.flat_parameters();
  const Tensor random =
      at::randn(parameters.sizes(), make_generator(seed), at::kDouble).to(parameters.device());
  const Tensor v = random * (parameters.norm() / random.norm());
  const Tensor here = gradient(network);
  const auto change = [&](double h) { return (gradient(network.displaced(h * v)) - here) / h; };
  const Tensor predicted = FeltCurvature(network, samples, objective).effective().product(v);
  const double length = predicted.norm().item<double>();
  Changes result{length, (change(1e-7) - predicted).norm().item<double>() / length, 0};
  for (const double h : {1e-6, 1e-5, 1e-4, 1e-3}) {
    result.largest = std::max(result.largest, change(h).norm().item<double>());
  }
  return result;
}

Outcome test(Laboratory& laboratory) {
  const Network network = laboratory.subject();
  const Samples samples = as_inputs(network, laboratory.held_out(images));
  std::vector<double> error;
  std::vector<double> factor;
  laboratory.repeat([&](std::uint64_t repetition) {
    const std::uint64_t seed = derive_seed(laboratory.setting().seed, {repetition});
    const Changes l2 = changes(network, samples, {Norm::l2, usual_l2}, seed);
    const Changes linf = changes(network, samples, {Norm::linf, usual_linf}, seed);
    error.push_back(l2.error);
    factor.push_back(std::log10((linf.largest / linf.predicted) / (l2.largest / l2.predicted)));
  });
  return conclude({
      check("relative error of the change of the L2-adversarial gradient that the effective "
            "curvature predicts, displacement 1e-7",
            mean_interval(error), Check::Relation::at_most, formula_error),
      check("largest change per displacement relative to that prediction, L-infinity over L2, as a "
            "power of ten",
            mean_interval(factor), Check::Relation::at_least, std::log10(rougher)),
  });
}

}  // namespace

EarlierFinding linf_less_smooth_finding() {
  return {
      "linf-less-smooth",
      "Adversarial training in L-infinity is less smooth in the weights than in L2",
      "Kanai, Yamada, Takahashi, Yamanaka, Ida, Smoothness Analysis of Adversarial Training, arXiv "
      "2103.01400, 2021",
      "An L2 attack follows the weights smoothly (S of C_eff is finite); an L-infinity attack "
      "rests on its bounds and jumps where a sign flips.",
      {"Assumption 1", "Corollary 1"},
      "Change of the adversarial gradient of 128 images on the network at hand, displaced by "
      "1e-6 to 1e-3 of the weights' length in random directions.",
      "Holds.",
      false,
      test};
}

}  // namespace reluctance
