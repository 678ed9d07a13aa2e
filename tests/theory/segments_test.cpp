// The attack beyond one region against the real one, in float64.
#include "reluctance/theory/segments.hpp"

#include <gtest/gtest.h>

#include "reluctance/theory/region_attack.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class SegmentedAttacks : public RandomRegion {};

TEST_P(SegmentedAttacks, OneSegmentIsTheRegionExactAttackAndMoreNeverHurtInsideTheRegion) {
  const int64_t steps = 24;
  const double beta = strength_inside_the_region(steps);
  const Tensor whole = perturbation(network(), region_, region_attack(region_, beta, steps));
  for (auto scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
    for (int64_t segments : {1, 3, 8, 30}) {
      const Tensor delta =
          segmented_attack(network(), samples_, beta, steps, {segments, scheme, loss()});
      EXPECT_LT(relative_error(delta, whole), 1e-9);
    }
  }
}

TEST_P(SegmentedAttacks, OfAsManySegmentsAsStepsAreTheRealAttack) {
  const int64_t steps = 10;
  const double beta = 40 * strength_inside_the_region(steps);  // gates flip
  const Tensor real = attacked_images(network(), samples_, raw(beta, steps)) - images();
  for (auto scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
    const Tensor delta =
        segmented_attack(network(), samples_, beta, steps, {steps, scheme, loss()});
    EXPECT_LT(relative_error(delta, real), 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, SegmentedAttacks, all_pairs(), name_of);

TEST(Segments, ErrorsFallAndChordsAreSeveralTimesCloser) {
  // Wide, so that many gates flip a little each; many steps, so that segments and not steps limit.
  ArchitectureOptions options;
  options.input_shape = {50};
  options.hidden = {1000, 1000};
  options.classes = 5;
  const Network network = make_network(options).to(at::kDouble);
  at::manual_seed(1);
  const Tensor x = random_input(network, 8);
  const Samples samples(x, at::randint(5, {8}, at::kLong));
  const int64_t steps = 960;
  const double beta = 0.5;
  const Tensor real = attacked_images(network, samples, raw_attack(beta, steps)) - x;
  const auto error = [&](int64_t segments, SegmentScheme scheme) {
    return relative_error(segmented_attack(network, samples, beta, steps, {segments, scheme}),
                          real);
  };
  for (int64_t segments : {2, 8}) {
    const double tangent = error(segments, SegmentScheme::tangent);
    const double chord = error(segments, SegmentScheme::chord);
    // Four times the segments: down by 4 to first order.
    EXPECT_LT(error(4 * segments, SegmentScheme::tangent), tangent / 2.5);
    EXPECT_LT(error(4 * segments, SegmentScheme::chord), chord / 3);
    EXPECT_LT(chord, tangent / 2);
  }
}

}  // namespace
}  // namespace reluctance
