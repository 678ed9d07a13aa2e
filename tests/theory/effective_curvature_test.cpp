// The curvature of adversarial training against central differences of the adversarial gradient,
// with the attack run anew for every theta, in float64.
#include "reluctance/theory/effective_curvature.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "curvature/subjects.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/train/trainer.hpp"
#include "theory/l2_maximiser.hpp"
#include "theory/l2_path.hpp"

namespace reluctance {
namespace {

constexpr int64_t images_each = 4;
constexpr int64_t few_steps = 10;

class EffectiveCurvatures : public testing::TestWithParam<NetworkAndLoss> {
 protected:
  EffectiveCurvatures() : loss_(loss_of(GetParam()).loss), net_(network_of(GetParam()).network) {
    at::manual_seed(40 + std::get<0>(GetParam()));
    const Tensor x = random_input(net_, images_each);
    samples_ = {x, at::randint(net_.classes(), {images_each}, at::kLong)};
    v_ = at::randn({net_.parameter_count()}, at::kDouble);
    v_ /= v_.norm();
  }

  const Tensor& images() const { return samples_.images; }

  GradientAscent climbing(GradientAscent attack) const {
    attack.loss = loss_;
    return attack;
  }

  Tensor maximiser(const Network& net, double radius, bool box, bool* converged = nullptr) const {
    return l2_maximiser(net, samples_, loss_, radius, box, converged);
  }

  CurvatureSamplesPtr at_inputs(const Network& net, const Tensor& x) const {
    return std::make_shared<CurvatureSamples>(net, samples_.with_images(x), loss_);
  }

  Network moved(double step) const { return net_.displaced(step * v_); }

  // The gradient that training takes and where, for a network.
  using Gradient = std::function<BatchGradient(const Network&)>;

  // Under an attack that training can run itself.
  Gradient training_with(const GradientAscent& attack) const {
    return [=, this](const Network& net) {
      return batch_gradient(net, samples_, Objective{loss_, attack});
    };
  }

  // At images that something else has found.
  Gradient training_at(const std::function<Tensor(const Network&)>& attacked) const {
    return [=, this](const Network& net) {
      return batch_gradient(net, samples_.with_images(attacked(net)), Objective{loss_, {}});
    };
  }

  // (g_adv(theta + h v) - g_adv(theta - h v)) / 2h; sets `inside` if no gate changed in between.
  Tensor central_difference(const Gradient& gradient, bool& inside) const {
    constexpr double h = 1e-6;
    Tensor gradients[2];
    Pass passes[2];
    const double signs[2] = {1, -1};
    for (int k = 0; k < 2; ++k) {
      const Network other = moved(signs[k] * h);
      const BatchGradient there = gradient(other);
      gradients[k] = there.flat();
      passes[k] = forward(other, there.inputs, Keep::gates);
    }
    inside = gates_flipped(net_, passes[0], passes[1]).sum().item<double>() == 0;
    return (gradients[0] - gradients[1]) / (2 * h);
  }

  Loss loss_;
  Network net_;
  Samples samples_;
  Tensor v_;
};

TEST_P(EffectiveCurvatures, RawEqualsCentralDifferences) {
  // H_x is taken at the attack's end, so the error grows with beta lambda: the strongest attack of
  // these that stays in its region while theta moves, and comes to 1e-4.
  const Pass clean = forward(net_, images(), Keep::gates);
  for (double beta = 0.1; beta > 1e-6; beta /= 2) {
    const GradientAscent attack = climbing(raw_attack(beta, few_steps));
    const Tensor attacked = attacked_images(net_, samples_, attack);
    if (gates_flipped(net_, clean, forward(net_, attacked, Keep::gates)).sum().item<double>() > 0)
      continue;
    bool inside = false;
    const Tensor expected = central_difference(training_with(attack), inside);
    const EffectiveCurvature theory(at_inputs(net_, attacked), RawResponse{beta, few_steps});
    const double error = relative_error(theory.matrix().product(v_), expected);
    const double without =
        relative_error(loss_hessian(at_inputs(net_, attacked)).product(v_), expected);
    if (!inside || error > 1e-4) continue;
    EXPECT_GT(without, 20 * error) << "beta " << beta;
    return;
  }
  ADD_FAILURE() << "no strength of this accuracy at which no gate flips";
}

TEST_P(EffectiveCurvatures, ConvergedL2EqualsCentralDifferences) {
  for (const bool box : {false, true}) {
    bool tried = false;
    for (double radius = 0.2; radius > 1e-4 && !tried; radius /= 2) {
      bool converged = false;
      const Tensor attacked = maximiser(net_, radius, box, &converged);
      if (!converged) continue;
      const EffectiveCurvature theory(at_inputs(net_, attacked), L2Response{radius, images(), box});
      if (!theory.smooth().all().item<bool>()) continue;
      bool inside = false;
      const Tensor expected = central_difference(
          training_at([&](const Network& net) { return maximiser(net, radius, box); }), inside);
      if (!inside) continue;
      tried = true;
      const double error = relative_error(theory.matrix().product(v_), expected);
      const double without =
          relative_error(loss_hessian(at_inputs(net_, attacked)).product(v_), expected);
      EXPECT_LT(error, 1e-4) << "radius " << radius << (box ? " in the box" : "");
      EXPECT_GT(without, 10 * error) << "radius " << radius << (box ? " in the box" : "");
    }
    EXPECT_TRUE(tried);
  }
}

// What training runs itself, with steps enough to settle: as the maximum has it, and as its own
// steps have it.
TEST_P(EffectiveCurvatures, SettledL2AttackEqualsCentralDifferences) {
  PgdOptions pgd;
  pgd.random_start = false;
  pgd.steps = 100;
  bool tried = false;
  for (double radius = 0.2; radius > 1e-4 && !tried; radius /= 2) {
    pgd.ball = {Norm::l2, radius};
    pgd.step_size = radius;
    GradientAscent attack = climbing(pgd_attack(pgd));
    attack.pixel_box = false;  // projections onto ball and box in turn end beside the maximum
    const std::vector<Tensor> path = attack_path(net_, samples_, attack);
    const Tensor& end = path.back();
    if ((end - path[path.size() - 2]).abs().max().item<double>() > 1e-13) continue;
    const EffectiveCurvature settled(at_inputs(net_, end), L2Response{radius, images(), false});
    const EffectiveCurvature stepped(at_inputs(net_, end),
                                     L2Response{radius, images(), false, path, attack.step_size});
    if (!settled.smooth().all().item<bool>()) continue;
    bool inside = false;
    const Tensor expected = central_difference(training_with(attack), inside);
    if (!inside) continue;
    tried = true;
    const double without = relative_error(loss_hessian(at_inputs(net_, end)).product(v_), expected);
    for (const EffectiveCurvature* theory : {&settled, &stepped}) {
      const double error = relative_error(theory->matrix().product(v_), expected);
      EXPECT_LT(error, 1e-4) << "radius " << radius;
      EXPECT_GT(without, 10 * error) << "radius " << radius;
    }
  }
  EXPECT_TRUE(tried);
}

// Strong attacks of few steps, which have not settled.
TEST_P(EffectiveCurvatures, PathEqualsCentralDifferences) {
  PgdOptions pgd;
  pgd.random_start = false;
  pgd.steps = few_steps;
  bool tried = false;
  for (pgd.ball = {Norm::l2, 1.0}; pgd.ball.radius > 1e-3 && !tried; pgd.ball.radius /= 2) {
    const GradientAscent attack = climbing(pgd_attack(pgd));
    const std::vector<Tensor> path = attack_path(net_, samples_, attack);
    const Gradient training = training_with(attack);
    const auto end_for = [&](double step) { return training(moved(step)).inputs.flatten(1); };
    ASSERT_TRUE(at::equal(path.back().flatten(1), end_for(0)));
    const L2Response response{pgd.ball.radius, images(), true, path, attack.step_size};
    const L2Path theory(at_inputs(net_, path.back()), response, 0);
    constexpr double h = 1e-7;
    const Tensor expected = (end_for(h) - end_for(-h)) / (2 * h);
    const Tensor actual = theory.forward(v_);
    // A gate in the way makes the difference larger than any rounding.
    if (relative_error(actual, expected) > 1e-4) continue;
    tried = true;
    bool inside = false;
    const Tensor change = central_difference(training, inside);
    EXPECT_TRUE(inside);
    const EffectiveCurvature curvature(at_inputs(net_, path.back()), response);
    EXPECT_FALSE(curvature.matrix().symmetric);
    EXPECT_LT(relative_error(curvature.matrix().product(v_), change), 1e-4);
    const double along = change.dot(v_).item<double>();
    EXPECT_NEAR(curvature.sample_curvatures(v_).mean().item<double>(), along,
                1e-4 * change.norm().item<double>());
  }
  EXPECT_TRUE(tried);
}

TEST_P(EffectiveCurvatures, OnlyAddCurvature) {
  for (const double strength : {0.05, 0.5}) {
    const Tensor raw = attacked_images(net_, samples_, climbing(raw_attack(strength, few_steps)));
    const Tensor l2 = maximiser(net_, strength, true);
    const auto compare = [&](const Tensor& x, const EffectiveCurvature& effective) {
      const double own = largest_eigenvalue(loss_hessian(at_inputs(net_, x)), 1e-8);
      const double felt = largest_eigenvalue(effective.matrix(), 1e-8);
      EXPECT_GE(felt, own * (1 - 1e-7));
    };
    compare(raw, {at_inputs(net_, raw), RawResponse{strength, few_steps}});
    compare(l2, {at_inputs(net_, l2), L2Response{strength, images(), true}});
  }
}

TEST_P(EffectiveCurvatures, SamplesAddUpToTheWhole) {
  const Tensor l2 = maximiser(net_, 0.05, true);
  const EffectiveCurvature effective(at_inputs(net_, l2), L2Response{0.05, images(), true});
  const double whole = (effective.matrix().product(v_) * v_).sum().item<double>();
  EXPECT_NEAR(effective.sample_curvatures(v_).mean().item<double>(), whole,
              1e-10 * (1 + std::abs(whole)));
  const Tensor w = at::randn_like(v_);
  EXPECT_NEAR((effective.matrix().product(v_) * w).sum().item<double>(),
              (effective.matrix().product(w) * v_).sum().item<double>(),
              1e-9 * (1 + std::abs(whole)));
}

// Every network with cross-entropy, the small ones with the other losses too.
std::vector<NetworkAndLoss> pairs() {
  constexpr std::size_t small = 4;
  std::vector<NetworkAndLoss> list;
  for (std::size_t network = 0; network < shared_networks().size(); ++network) {
    for (std::size_t loss = 0; loss < (network < small ? taped_losses().size() : 1); ++loss) {
      list.emplace_back(network, loss);
    }
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Networks, EffectiveCurvatures, testing::ValuesIn(pairs()), name_of);

}  // namespace
}  // namespace reluctance
