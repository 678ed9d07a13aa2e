#include <ATen/ATen.h>

#include "claims/dynamics_sweep.hpp"
#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double in_top_three = 0.5;  // share of a perturbation in its own top eigenvectors
constexpr double times_chance = 10;   // squared cosine of two images' perturbations
constexpr double in_predicted = 0.5;  // share in the directions predicted from other images
constexpr int64_t predicted_directions = 20;
constexpr int64_t steps = 20;

struct Perturbations {
  Tensor real, predicted;  // N x n, of unit length
  Tensor top_share;        // N
};

Tensor unit_rows(const Tensor& x) {
  const Tensor flat = x.flatten(1);
  return flat / flat.norm(2, 1, true).clamp_min(1e-30);
}

Perturbations perturbations(const Network& network, const Samples& samples) {
  const GradientAscent attack = plain_pgd({Norm::l2, usual_l2}, steps);
  const auto chunk = [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = as_inputs(network, samples.slice(begin, end));
    const Tensor delta = attacked_images(network, part, attack) - part.images;
    const LinearRegion region = linear_region(network, part);
    const Tensor along = components(network, region, input_spectrum(region), delta);
    const Tensor top = along.slice(1, 0, 3).square().sum(1);
    const Tensor c = region_attack_l2(region, {attack.step_size, steps, usual_l2});
    return {unit_rows(delta.to(at::kCPU)), unit_rows(perturbation(network, region, c)),
            top / delta.flatten(1).square().sum(1).to(at::kCPU).clamp_min(1e-300)};
  };
  const Tensors all = map_shares(dynamics_chunks(network, samples.count()), chunk);
  return {all[0], all[1], all[2]};
}

// Mean squared cosine between perturbations of different images, times the number of pixels.
Interval alike(const Tensor& unit, std::uint64_t seed) {
  const Tensor squares = at::mm(unit, unit.t()).square();
  const auto pixels = static_cast<double>(unit.size(1));
  return bootstrap(
      unit.size(0),
      [&](const Tensor& indices) {
        const Tensor drawn = squares.index_select(0, indices).index_select(1, indices);
        const Tensor others = indices.unsqueeze(0).ne(indices.unsqueeze(1)).to(at::kDouble);
        return ((drawn * others).sum() / others.sum()).item<double>() * pixels;
      },
      seed);
}

// Share of the second half's real perturbations in the main directions of the first half's
// predicted ones.
Tensor in_predicted_directions(const Perturbations& all) {
  const int64_t half = all.real.size(0) / 2;
  const Tensor directions = std::get<2>(at::linalg_svd(all.predicted.slice(0, 0, half), false));
  const Tensor main = directions.slice(0, 0, predicted_directions);
  return at::mm(all.real.slice(0, half), main.t()).square().sum(1);
}

Outcome test(Laboratory& laboratory) {
  const FindingSetting& setting = laboratory.setting();
  const Network network = laboratory.subject();
  // Fewer leave nothing to concentrate in.
  if (network.classes() < 6 || network.inputs() < 5 * predicted_directions) {
    return {Verdict::cannot_be_tested, "needs 6 classes and images of 100 pixels", {}};
  }
  const Perturbations all = perturbations(network, laboratory.held_out(setting.samples));
  const auto at_least = Check::Relation::at_least;
  return conclude({
      check("share of a perturbation in the top 3 eigenvectors of its input Hessian, mean",
            mean_interval(all.top_share, setting.seed), at_least, in_top_three),
      check("squared cosine of the perturbations of two images, in multiples of chance",
            alike(all.real, setting.seed), at_least, times_chance),
      check("share of the perturbations in 20 directions that the theory predicts from other "
            "images, mean",
            mean_interval(in_predicted_directions(all), setting.seed), at_least, in_predicted),
  });
}

}  // namespace

EarlierFinding few_directions_finding() {
  return {
      "few-directions",
      "Adversarial perturbations concentrate in few directions",
      "Moosavi-Dezfooli, Fawzi, Fawzi, Frossard, Universal Adversarial Perturbations, CVPR 2017; "
      "Moosavi-Dezfooli, Fawzi, Uesato, Frossard, Robustness via Curvature Regularization, and "
      "Vice Versa, CVPR 2019",
      "A perturbation lies in the range of J^T, at most C - 1 directions of an image, and turns "
      "to the top eigenvectors of its input Hessian; images that share gates share them.",
      {"Theorem 2", "Corollary 1"},
      "L2 attack of radius 0.5 and 20 steps on the network at hand; the region-exact "
      "perturbation beside it.",
      "Holds: ten classes leave nine directions an image.",
      false,
      test};
}

}  // namespace reluctance
