// The Square attack: its published schedule and pattern, and what it does without a gradient.
#include "reluctance/attack/square.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "attack/subjects.hpp"
#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

AttackResult run_square(const Network& network, const Samples& samples,
                        const SquareOptions& options, const Context& context = {}) {
  return square_attack(options).run(network, samples, context);
}

class Square : public testing::TestWithParam<Norm> {
 protected:
  SquareOptions options(double radius, int64_t queries) const {
    SquareOptions chosen;
    chosen.ball = {GetParam(), radius};
    chosen.queries = queries;
    return chosen;
  }
};

TEST_P(Square, FellsHalfOfWhatALinearNetworkCannotHoldAndNothingElse) {
  const LinearSubject linear = linear_subject();
  Ball ball = half_of_them(linear, GetParam());
  ball.radius *= 2;
  const Tensor distance = boundary_distance(linear, GetParam());
  const AttackResult result = run_square(linear.network, linear.samples, options(ball.radius, 300));
  expect_honest(linear.network, linear.samples, ball, result);
  EXPECT_FALSE(result.success.logical_and(distance.gt(ball.radius)).any().item<bool>());
  EXPECT_GT(result.success.sum().item<int64_t>() * 2,
            distance.le(ball.radius).sum().item<int64_t>());
  EXPECT_EQ(result.passes.backward, 0);
  EXPECT_FALSE(result.target.defined());
}

TEST_P(Square, MoreQueriesFellMore) {
  const Network network = networks_in_double()[3].network;  // cnn, three channels
  at::manual_seed(3);
  const Tensor images = random_input(network, 60);
  const Samples samples(images, logits(network, images).argmax(1));
  const double radius = GetParam() == Norm::linf ? 0.05 : GetParam() == Norm::l2 ? 0.5 : 4;
  const auto fell = [&](int64_t queries) {
    return run_square(network, samples, options(radius, queries)).success;
  };
  const Tensor few = fell(5);
  const Tensor many = fell(150);
  EXPECT_GT(many.sum().item<int64_t>(), few.sum().item<int64_t>());
  // The same choices, and then more.
  EXPECT_FALSE(few.logical_and(many.logical_not()).any().item<bool>());
}

TEST_P(Square, ChoicesDependOnSeedAndSampleAlone) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const auto attack = [&](int64_t samples, std::uint64_t seed) {
    return run_square(linear.network, linear.samples.head(samples), options(ball.radius, 40),
                      {seed, {}})
        .adversarial;
  };
  EXPECT_TRUE(at::equal(attack(60, 1), attack(60, 1)));
  EXPECT_TRUE(at::allclose(attack(60, 1).slice(0, 0, 25), attack(25, 1)));
  EXPECT_FALSE(at::equal(attack(60, 1), attack(60, 2)));
}

TEST_P(Square, StopsWithItsQueries) {
  const LinearSubject linear = linear_subject(20);
  const AttackResult result = run_square(linear.network, linear.samples, options(1e-9, 11));
  // The answer to the image itself, and the queries.
  EXPECT_EQ(result.passes.forward, 20 * 12);
}

INSTANTIATE_TEST_SUITE_P(Norms, Square, testing::ValuesIn(all_norms()),
                         [](const auto& each) { return to_string(each.param); });

TEST(SquareShapes, ShrinkAsPublished) {
  SquareOptions options;
  // Shares 0.8, 0.4 and 0.8 / 512 of 100 x 100 pixels.
  EXPECT_EQ(square_side(options, 10, 100, 100), 89);
  EXPECT_EQ(square_side(options, 11, 100, 100), 63);
  EXPECT_EQ(square_side(options, 9000, 100, 100), 4);
  EXPECT_EQ(square_side(options, 0, 100, 20), 20);
  EXPECT_EQ(square_side(options, 9000, 3, 3), 1);
  for (const Norm norm : {Norm::l2, Norm::l1}) {
    options.ball.norm = norm;
    EXPECT_EQ(square_side(options, 9000, 100, 100), 5);
    EXPECT_EQ(square_side(options, 9000, 28, 28), 3);
  }
}

TEST(SquareShapes, PatternIsTwoHillsOfOppositeSign) {
  for (const auto& [norm, power] : {std::pair{Norm::l2, 2.0}, std::pair{Norm::l1, 4.0}}) {
    for (int64_t side : {1, 2, 3, 5, 8, 21}) {
      const Tensor pattern = square_pattern(norm, side, side);
      EXPECT_EQ(pattern.sizes(), (std::vector<int64_t>{side, side}));
      EXPECT_NEAR(sample_norms(pattern.unsqueeze(0), norm).item<double>(), 1.0, 1e-12);
      if (side == 1) continue;
      EXPECT_TRUE(pattern.slice(0, 0, side / 2).gt(0).all().item<bool>());
      EXPECT_TRUE(pattern.slice(0, side / 2).lt(0).all().item<bool>());
    }
    // Two rows above three: rings around (1, 2) and (1, 2) of the halves.
    const Tensor five = square_pattern(norm, 5, 5);
    const double edge = std::pow(3.0, -power);
    const double slope = edge + std::pow(2.0, -power);
    const double top = slope + 1.0;
    EXPECT_NEAR((five[1][1] / five[1][2]).item<double>(), slope / top, 1e-12);
    EXPECT_NEAR((five[0][0] / five[1][2]).item<double>(), edge / top, 1e-12);
  }
}

// Of tables it changes parts of the one row that they are.
TEST_P(Square, AttacksFlatInputsAsOneRow) {
  const LinearSubject linear = linear_subject();
  Network flat({36});
  flat.append(linear_layer(), {linear.weights, -0.5 * linear.weights.sum(1)});
  const Samples samples(linear.samples.images.flatten(1), linear.samples.labels);
  Ball ball = half_of_them(linear, GetParam());
  ball.radius *= 2;
  const Tensor near = boundary_distance(linear, GetParam()).le(ball.radius);
  const AttackResult result = run_square(flat, samples, options(ball.radius, 400));
  expect_honest(flat, samples, ball, result);
  EXPECT_FALSE(result.success.logical_and(near.logical_not()).any().item<bool>());
  EXPECT_GT(result.success.sum().item<int64_t>() * 2, near.sum().item<int64_t>());
}

TEST(SquareShapes, AcceptsImagesForANetworkOfFlatInputs) {
  at::manual_seed(1);
  Network network({16});
  network.append(linear_layer(), {at::randn({4, 16}), at::zeros({4})});
  const Tensor images = at::rand({8, 1, 4, 4});
  const Samples samples(images, logits(network, images.flatten(1)).argmax(1));
  SquareOptions options;
  options.queries = 50;
  options.ball = {Norm::linf, 0.3};
  EXPECT_TRUE(run_square(network, samples, options).success.any().item<bool>());
}

TEST(SquareProgress, CountsEverySample) {
  const LinearSubject linear = linear_subject();
  SquareOptions options;
  options.queries = 3;
  int64_t last = 0;
  run_square(linear.network, linear.samples, options, {0, [&](int64_t done, int64_t total) {
                                                         EXPECT_EQ(total, 60);
                                                         last = std::max(last, done);
                                                       }});
  EXPECT_EQ(last, 60);
}

}  // namespace
}  // namespace reluctance
