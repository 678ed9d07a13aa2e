#include <ATen/ATen.h>

#include "claims/dynamics_sweep.hpp"
#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/claims/influence.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/linear_region.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double ranked_opposite = -0.5;  // of distance and influence
constexpr double nearest = 0.2;           // of the images
constexpr double their_share = 0.4;       // of the influence: twice chance
constexpr double ranked_alike = 0.8;      // of predicted and measured influence

// Distance to the nearest decision boundary in the linear region, negative for wrong answers: N.
Tensor distances(const Network& network, const Samples& samples) {
  const auto chunk = [&](int64_t begin, int64_t end) {
    const LinearRegion region =
        linear_region(network, as_inputs(network, samples.slice(begin, end)));
    const Tensor y = region.labels.unsqueeze(1);
    const Tensor own = region.gram.gather(1, y.unsqueeze(2).expand({-1, 1, region.classes()}));
    const Tensor squares = region.gram.diagonal(0, 1, 2);
    const Tensor apart = squares + squares.gather(1, y) - 2 * own.squeeze(1);
    const Tensor margin = region.logits.gather(1, y) - region.logits;
    const Tensor each = margin / apart.clamp_min(1e-300).sqrt();
    return Tensors{each.scatter(1, y, INFINITY).amin(1)};
  };
  return map_shares(dynamics_chunks(network, samples.count()), chunk)[0];
}

Interval share_of_nearest(const Tensor& distance, const Tensor& influence, std::uint64_t seed) {
  return bootstrap(
      distance.size(0),
      [&](const Tensor& indices) {
        const Tensor order = distance.index_select(0, indices).argsort();
        const Tensor sorted = influence.index_select(0, indices).index_select(0, order);
        const auto count = static_cast<int64_t>(nearest * static_cast<double>(sorted.size(0)));
        return (sorted.slice(0, 0, count).sum() / sorted.sum()).item<double>();
      },
      seed);
}

Outcome test(Laboratory& laboratory) {
  const FindingSetting& setting = laboratory.setting();
  const Network network = laboratory.subject();
  const Samples samples = laboratory.held_out(setting.samples);
  if (samples.count() < 20) return {Verdict::cannot_be_tested, "needs 20 images", {}};
  const Tensor distance = distances(network, samples);
  const InfluenceComparison influence =
      compare_influence(network, samples, plain_pgd({Norm::linf, usual_linf}, 10));
  const Tensor& measured = influence.measured.gradient_norm_adversarial;
  const Tensor predicted = influence.boost_region * influence.measured.gradient_norm_clean;
  return conclude({
      check(
          "rank correlation of an image's distance to the boundary with its influence under attack",
          rank_correlation_interval(distance, measured, setting.seed), Check::Relation::at_most,
          ranked_opposite),
      check("share of the influence that the nearest fifth of the images has",
            share_of_nearest(distance, measured, setting.seed), Check::Relation::at_least,
            their_share),
      check("rank correlation of the influence that the region-exact boost predicts with the "
            "measured one",
            rank_correlation_interval(predicted, measured, setting.seed), Check::Relation::at_least,
            ranked_alike),
  });
}

}  // namespace

EarlierFinding near_boundary_finding() {
  return {"near-boundary",
          "Adversarial training dwells on samples near the decision boundary",
          "Ding et al., MMA Training, ICLR 2020; Wang et al., Improving Adversarial Robustness "
          "Requires Revisiting Misclassified Examples, ICLR 2020; Zhang et al., Geometry-aware "
          "Instance-reweighted Adversarial Training, ICLR 2021",
          "The boost exp(beta kappa) is largest for unconfident samples, which lie near the "
          "boundary: their parameter gradients under attack are the longest.",
          {"Lemma 1", "Theorem 5"},
          "L-infinity attack of 0.05 and 10 steps on the network at hand; distances in the linear "
          "region.",
          "Holds; where the attack saturates the nearest have no more than their ceiling.",
          false,
          test};
}

}  // namespace reluctance
