// Each flag on a network that deserves it, and none on one that does not.
#include "reluctance/measure/validity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "attack/subjects.hpp"
#include "measure/small_ensembles.hpp"
#include "reluctance/attack/nearest_class.hpp"

namespace reluctance {
namespace {

std::vector<std::string> names(const std::vector<Flag>& flags) {
  std::vector<std::string> all;
  for (const Flag& flag : flags) all.push_back(flag.name);
  return all;
}

bool raised(const std::vector<Flag>& flags, const std::string& name) {
  const auto all = names(flags);
  return std::find(all.begin(), all.end(), name) != all.end();
}

struct Judged {
  EnsembleResult result;
  std::vector<Flag> flags;
};

Judged judge(const Network& network, const Samples& samples, const Ball& ball,
             bool follows_cross_entropy = false) {
  const auto attack = [](const Ball& other) {
    NearestClassOptions nearest;
    nearest.ball = other;
    return nearest_class_attack(nearest);
  };
  const EnsembleResult result =
      run_ensemble(network, samples, standard_stages(network, ball, samples.images));
  ValidityOptions options;
  options.attack = attack;
  options.ball = ball;
  options.follows_cross_entropy = follows_cross_entropy;
  return {result, validity_flags(network, samples, result, options)};
}

// The subject's network behind `before`, and with its logits times `scale`.
Network dressed(const LinearSubject& linear, double scale,
                const std::function<void(Network&)>& before = {}) {
  Network network({1, 6, 6});
  if (before) before(network);
  network.append(reshape_layer({36}));
  const Tensors parameters = linear.network.parameters();
  network.append(linear_layer(), {scale * parameters[0], scale * parameters[1]});
  return network;
}

// A piecewise linear staircase: flat for all but a ten-thousandth of each stair of width 0.02, as
// sums of ReLUs of x - edge, which the next layer weighs.
void staircase(Network& network) {
  constexpr int64_t stairs = 50;
  constexpr double width = 1.0 / stairs;
  constexpr double ramp = 1e-4 * width;
  const Tensor edges = (at::arange(stairs, at::kDouble) + 0.5) * width;
  network.append(reshape_layer({36}));
  // 36 pixels -> 36 x stairs x 2 units -> 36 pixels.
  const Tensor eye = at::eye(36, at::kDouble);
  const Tensor up = at::repeat_interleave(eye, 2 * stairs, 0);
  const Tensor both = at::stack({-edges, -edges - ramp}, 1).flatten();
  network.append(linear_layer(), {up, both.repeat({36})});
  network.append(relu_layer());
  const Tensor slope = at::tensor({width / ramp, -width / ramp}, at::kDouble).repeat({stairs});
  network.append(linear_layer(), {at::kron(eye, slope.unsqueeze(0)), at::zeros({36}, at::kDouble)});
}

TEST(Validity, AnHonestNetworkRaisesNothing) {
  const LinearSubject linear = linear_subject();
  for (const Norm norm : all_norms()) {
    const Judged judged = judge(linear.network, linear.samples, half_of_them(linear, norm), true);
    EXPECT_EQ(names(judged.flags), std::vector<std::string>());
  }
}

TEST(Validity, LargeLogitsBlindCrossEntropyAlone) {
  const LinearSubject linear = linear_subject();
  const Network network = dressed(linear, 1e5);
  const Ball ball = half_of_them(linear, Norm::linf);
  const Judged judged = judge(network, linear.samples, ball, true);
  EXPECT_EQ(names(judged.flags), std::vector<std::string>{"flat-loss"});
  // The cascade follows the margin and is not misled: the honest network's robust accuracy.
  const Judged honest = judge(linear.network, linear.samples, ball);
  EXPECT_DOUBLE_EQ(judged.result.robust.value, honest.result.robust.value);
  EXPECT_EQ(names(judge(network, linear.samples, ball).flags), std::vector<std::string>());
}

TEST(Validity, AStaircaseIsCaught) {
  const LinearSubject linear = linear_subject();
  const Network network = dressed(linear, 1, staircase);
  const Tensor& images = linear.samples.images;
  const Tensor labels = logits(network, images).argmax(1);
  const Judged judged = judge(network, {images, labels}, {Norm::linf, 0.06});
  EXPECT_TRUE(raised(judged.flags, "zero-gradient"));
}

TEST(Validity, ImagesOnARampAreCaught) {
  const LinearSubject linear = linear_subject();
  const Network network = dressed(linear, 1, staircase);
  // Every pixel in the middle of the ramp nearest to it.
  const double width = 0.02;
  const Tensor images = ((linear.samples.images / width - 0.5).round() + 0.5 + 0.5e-4) * width;
  const Tensor labels = logits(network, images).argmax(1);
  // Half a stair: the gradient promises thousands of them.
  const Judged judged = judge(network, {images, labels}, {Norm::linf, 0.005});
  ASSERT_GT(judged.result.robust.value, 0);
  EXPECT_TRUE(raised(judged.flags, "steep-gradient"));
}

TEST(Validity, AnswersByChance) {
  const LinearSubject linear = linear_subject();
  const Tensor wrong = (linear.samples.labels + 1).remainder(6);
  const Judged judged = judge(linear.network, {linear.samples.images, wrong}, {Norm::linf, 0.01});
  EXPECT_EQ(names(judged.flags), std::vector<std::string>{"clean-accuracy"});
}

TEST(Validity, NumbersThatAreNone) {
  const LinearSubject linear = linear_subject();
  const Network network = dressed(linear, std::numeric_limits<double>::infinity());
  const Judged judged = judge(network, linear.samples, {Norm::linf, 0.01});
  EXPECT_TRUE(raised(judged.flags, "not-finite"));
}

TEST(Validity, AnAttackThatGetsLostInALargerBudget) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const EnsembleResult result = run_ensemble(
      linear.network, linear.samples, standard_stages(linear.network, ball, linear.samples.images));
  ValidityOptions options;
  options.ball = ball;
  options.attack = [&](const Ball& other) {
    EXPECT_DOUBLE_EQ(other.radius, 2 * ball.radius);
    return Attack{"lost", other, [](const Network&, const Samples& samples, const Context&) {
                    return AttackResult{samples.images, at::zeros({samples.count()}, at::kBool)};
                  }};
  };
  EXPECT_EQ(names(validity_flags(linear.network, linear.samples, result, options)),
            std::vector<std::string>{"rising-budget"});
}

// Square on its own fells everything itself, which says nothing of attacks by gradients.
TEST(Validity, SquareBeyondTheOthersWhereThereAreOthers) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const Stage idle = stage("idle", ball, [](const Tensor& images) {
    return AttackResult{images, at::zeros({images.size(0)}, at::kBool)};
  });
  Stage square = standard_stages(linear.network, ball, linear.samples.images).back();
  ASSERT_EQ(square.attack.name, "square");
  square.pays = 0;
  ValidityOptions options;
  options.ball = ball;
  for (const bool others : {true, false}) {
    const std::vector<Stage> stages = others ? std::vector{idle, square} : std::vector{square};
    const EnsembleResult result = run_ensemble(linear.network, linear.samples, stages);
    const auto place = static_cast<int64_t>(stages.size()) - 1;
    ASSERT_GE(result.felled_by.eq(place).sum().item<int64_t>(), 3);
    EXPECT_EQ(raised(validity_flags(linear.network, linear.samples, result, options),
                     "weaker-than-square"),
              others);
  }
}

}  // namespace
}  // namespace reluctance
