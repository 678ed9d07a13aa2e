// The curvature of adversarial training against central differences of the adversarial gradient,
// with the attack run anew for every theta, in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "network/random_networks.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/theory/effective_curvature.hpp"
#include "theory/l2_path.hpp"

namespace reluctance {
namespace {

constexpr int64_t samples = 4;
constexpr int64_t steps = 10;

double relative_error(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).norm() / expected.norm().clamp_min(1e-30)).item<double>();
}

// Solves grad L(x + delta) = mu delta on the free pixels with ||delta|| = radius by iterating
// delta <- g / mu, clipped to the box, mu by bisection.
// Where the loss has a ridge, at a gate, there is no such point: sets `converged`.
Tensor l2_maximiser(const Network& net, const Tensor& x, const Tensor& labels, double radius,
                    bool box, bool* converged = nullptr) {
  const Tensor flat = x.flatten(1);
  const auto clipped = [&](const Tensor& delta) {
    return box ? (flat + delta).clamp(0, 1) - flat : delta;
  };
  Tensor attacked = x.clone();
  double change = 1;
  for (int iteration = 0; iteration < 100 && change > 1e-13; ++iteration) {
    const Tensor g = input_gradient(net, attacked, labels).gradient.flatten(1);
    Tensor low = at::full({x.size(0), 1}, 1e-9, at::kDouble);
    Tensor high = at::full({x.size(0), 1}, 1e9, at::kDouble);
    for (int halving = 0; halving < 60; ++halving) {
      const Tensor mu = (low * high).sqrt();
      const Tensor too_long = clipped(g / mu).norm(2, 1, true) > radius;
      low = at::where(too_long, mu, low);
      high = at::where(too_long, high, mu);
    }
    const Tensor next = (flat + clipped(g / (low * high).sqrt())).view(x.sizes());
    change = (next - attacked).abs().max().item<double>();
    attacked = next;
  }
  if (converged) *converged = change <= 1e-13;
  return attacked;
}

class EffectiveCurvatures : public testing::TestWithParam<int> {
 protected:
  EffectiveCurvatures()
      : net_(networks_in_double().at(static_cast<std::size_t>(GetParam())).network) {
    at::manual_seed(40 + GetParam());
    x_ = random_input(net_, samples);
    labels_ = at::randint(net_.classes(), {samples}, at::kLong);
    v_ = at::randn({net_.parameter_count()}, at::kDouble);
    v_ /= v_.norm();
  }

  CurvatureSamplesPtr at_inputs(const Network& net, const Tensor& x) const {
    return std::make_shared<CurvatureSamples>(net, x, labels_, default_curvature_memory);
  }

  Network moved(double step) const { return net_.displaced(step * v_); }

  using Attacker = std::function<Tensor(const Network&)>;

  // (g_adv(theta + h v) - g_adv(theta - h v)) / 2h; sets `inside` if no gate changed in between.
  Tensor central_difference(const Attacker& attack, bool& inside) const {
    constexpr double h = 1e-6;
    Tensor gradients[2];
    Pass passes[2];
    const double signs[2] = {1, -1};
    for (int k = 0; k < 2; ++k) {
      const Network other = moved(signs[k] * h);
      const Tensor attacked = attack(other);
      gradients[k] = loss_gradient(*at_inputs(other, attacked));
      passes[k] = forward(other, attacked, Keep::gates);
    }
    inside = gates_flipped(net_, passes[0], passes[1]).sum().item<double>() == 0;
    return (gradients[0] - gradients[1]) / (2 * h);
  }

  Network net_;
  Tensor x_, labels_, v_;
};

TEST_P(EffectiveCurvatures, RawEqualsCentralDifferences) {
  // H_x is taken at the attack's end, so the error grows with beta lambda: the strongest attack of
  // these that stays in its region while theta moves, and comes to 1e-4.
  const Pass clean = forward(net_, x_, Keep::gates);
  for (double beta = 0.1; beta > 1e-6; beta /= 2) {
    const auto attack = [&](const Network& net) {
      return climb(net, x_, labels_, x_, raw_attack(beta, steps));
    };
    const Tensor attacked = attack(net_);
    if (gates_flipped(net_, clean, forward(net_, attacked, Keep::gates)).sum().item<double>() > 0)
      continue;
    bool inside = false;
    const Tensor expected = central_difference(attack, inside);
    const EffectiveCurvature theory(at_inputs(net_, attacked), RawResponse{beta, steps});
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
      const auto attack = [&](const Network& net) {
        return l2_maximiser(net, x_, labels_, radius, box);
      };
      bool converged = false;
      const Tensor attacked = l2_maximiser(net_, x_, labels_, radius, box, &converged);
      if (!converged) continue;
      const EffectiveCurvature theory(at_inputs(net_, attacked), L2Response{radius, x_, box});
      if (!theory.smooth().all().item<bool>()) continue;
      bool inside = false;
      const Tensor expected = central_difference(attack, inside);
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

// Strong attacks of few steps, which have not settled.
TEST_P(EffectiveCurvatures, PathEqualsCentralDifferences) {
  PgdOptions pgd;
  pgd.random_start = false;
  pgd.steps = steps;
  bool tried = false;
  for (pgd.ball = {Norm::l2, 1.0}; pgd.ball.radius > 1e-3 && !tried; pgd.ball.radius /= 2) {
    const Attack attack = pgd_attack(pgd);
    const std::vector<Tensor> path = attack_path(net_, x_, labels_, attack);
    const auto attacker = [&](const Network& net) { return climb(net, x_, labels_, x_, attack); };
    ASSERT_TRUE(at::equal(path.back(), attacker(net_)));
    const L2Response response{pgd.ball.radius, x_, true, path, attack.step_size};
    const L2Path theory(net_, x_, labels_, path, response, 0);
    constexpr double h = 1e-7;
    const Tensor expected = (attacker(moved(h)) - attacker(moved(-h))).flatten(1) / (2 * h);
    const Tensor actual = theory.forward(v_);
    // A gate in the way makes the difference larger than any rounding.
    if (relative_error(actual, expected) > 1e-4) continue;
    tried = true;
    bool inside = false;
    const double gain = (central_difference(attacker, inside) -
                         loss_hessian(at_inputs(net_, path.back())).product(v_))
                            .dot(v_)
                            .item<double>() *
                        samples;
    EXPECT_TRUE(inside);
    EXPECT_NEAR(theory.gain(v_).dot(v_).item<double>(), gain, 1e-4 * std::abs(gain));
    EXPECT_NEAR(theory.sample_gains(v_).sum().item<double>(), gain, 1e-4 * std::abs(gain));
    const Tensor u = at::randn_like(actual);
    EXPECT_NEAR((actual * u).sum().item<double>(), theory.backward(u).dot(v_).item<double>(),
                1e-10 * (actual.norm() * u.norm()).item<double>());
  }
  EXPECT_TRUE(tried);
}

TEST_P(EffectiveCurvatures, OnlyAddCurvature) {
  EigenpairOptions one;
  one.count = 1;
  one.tolerance = 1e-8;
  for (const double strength : {0.05, 0.5}) {
    const Tensor raw = climb(net_, x_, labels_, x_, raw_attack(strength, steps));
    const Tensor l2 = l2_maximiser(net_, x_, labels_, strength, true);
    const auto compare = [&](const Tensor& x, const EffectiveCurvature& effective) {
      const Eigenpairs own = top_eigenpairs(loss_hessian(at_inputs(net_, x)), one);
      const Eigenpairs felt = top_eigenpairs(effective.matrix(), one);
      EXPECT_GE(felt.values[0].item<double>(), own.values[0].item<double>() * (1 - 1e-7));
    };
    compare(raw, {at_inputs(net_, raw), RawResponse{strength, steps}});
    compare(l2, {at_inputs(net_, l2), L2Response{strength, x_, true}});
  }
}

TEST_P(EffectiveCurvatures, SamplesAddUpToTheWhole) {
  const Tensor l2 = l2_maximiser(net_, x_, labels_, 0.05, true);
  const EffectiveCurvature effective(at_inputs(net_, l2), L2Response{0.05, x_, true});
  const double whole = (effective.matrix().product(v_) * v_).sum().item<double>();
  EXPECT_NEAR(effective.sample_curvatures(v_).mean().item<double>(), whole,
              1e-10 * (1 + std::abs(whole)));
  const Tensor w = at::randn_like(v_);
  EXPECT_NEAR((effective.matrix().product(v_) * w).sum().item<double>(),
              (effective.matrix().product(w) * v_).sum().item<double>(),
              1e-9 * (1 + std::abs(whole)));
}

INSTANTIATE_TEST_SUITE_P(Networks, EffectiveCurvatures, testing::Range(0, 7), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

}  // namespace
}  // namespace reluctance
