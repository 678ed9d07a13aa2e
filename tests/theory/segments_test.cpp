// The attack beyond one region against the real one, in float64.
#include "reluctance/theory/segments.hpp"

#include <gtest/gtest.h>

#include "reluctance/theory/region_attack.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class SegmentedAttacks : public RandomRegion {
 protected:
  SegmentedAttack segmented(const Tensor& beta, int64_t steps, double tolerance) const {
    return segmented_attack(network(), samples_, beta, steps, {tolerance, loss()});
  }

  static Tensor alike(double beta) { return at::full({count}, beta, at::kDouble); }
};

TEST_P(SegmentedAttacks, InsideTheRegionOneSegmentIsTheRegionExactAttack) {
  const int64_t steps = 24;
  const Tensor beta = alike(strength_inside_the_region(steps)) * at::linspace(0.3, 1, count);
  const Tensor whole = perturbation(network(), region_, region_attack(region_, beta, steps));
  const SegmentedAttack attack = segmented(beta, steps, 1e-3);
  EXPECT_LT(relative_error(attack.delta, whole), 1e-9);
  EXPECT_TRUE(at::equal(attack.segments, at::ones({count}, at::kDouble)));
  // A tangent, a chord between two points and a gradient.
  EXPECT_TRUE(at::equal(attack.forward, alike(4)));
  EXPECT_TRUE(at::equal(attack.backward, alike(2. * static_cast<double>(region_.rank()) + 4)));
}

TEST_P(SegmentedAttacks, WithoutToleranceTheyAreTheRealAttack) {
  const int64_t steps = 10;
  const double beta = 40 * strength_inside_the_region(steps);  // gates flip
  const Tensor real = attacked_images(network(), samples_, raw(beta, steps)) - images();
  EXPECT_LT(relative_error(segmented(alike(beta), steps, 1e-12).delta, real), 1e-8);
  const SegmentedAttack steps_alone = segmented(alike(beta), steps, -1);
  EXPECT_LT(relative_error(steps_alone.delta, real), 1e-12);
  EXPECT_TRUE(at::equal(steps_alone.segments, alike(10)));
}

INSTANTIATE_TEST_SUITE_P(Networks, SegmentedAttacks, all_pairs(), name_of);

TEST(Segments, ASmallerToleranceCostsMoreAndErrsLess) {
  // Wide, so that many gates flip a little each.
  ArchitectureOptions options;
  options.input_shape = {50};
  options.hidden = {300, 300};
  options.classes = 5;
  const Network network = make_network(options).to(at::kDouble);
  at::manual_seed(1);
  const Tensor x = random_input(network, 8);
  const Samples samples(x, at::randint(5, {8}, at::kLong));
  const int64_t steps = 100;
  const double beta = 0.5;
  const Tensor real = attacked_images(network, samples, raw_attack(beta, steps)) - x;
  double last_error = 1;
  double last_segments = 0;
  for (const double tolerance : {0.3, 0.1, 0.03}) {
    const SegmentedAttack attack =
        segmented_attack(network, samples, at::full({8}, beta, at::kDouble), steps, {tolerance});
    const double error = relative_error(attack.delta, real);
    const double segments = attack.segments.mean().item<double>();
    EXPECT_LT(error, tolerance);
    EXPECT_LT(error, last_error);
    EXPECT_GT(segments, last_segments);
    last_error = error;
    last_segments = segments;
  }
  EXPECT_LT(last_segments, 60);
}

}  // namespace
}  // namespace reluctance
