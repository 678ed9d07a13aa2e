// Claim 1's formulas against automatic differentiation, recursions and the real attack, in float64.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/theory/binary.hpp"
#include "reluctance/theory/boost.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"
#include "reluctance/theory/segments.hpp"

namespace reluctance {
namespace {

constexpr int64_t samples = 4;

double relative_error(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).norm() / expected.norm().clamp_min(1e-30)).item<double>();
}

class Dynamics : public testing::TestWithParam<int> {
 protected:
  Dynamics() : named_(networks_in_double().at(static_cast<std::size_t>(GetParam()))) {
    at::manual_seed(100 + GetParam());
    x_ = random_input(network(), samples);
    labels_ = at::randint(network().classes(), {samples}, at::kLong);
    region_ = linear_region(network(), x_);
    spectrum_ = input_spectrum(region_, labels_);
  }

  const Network& network() const { return named_.network; }

  // Autodiff's dense n x n Hessian of sample i's loss, by double backward.
  Tensor dense_hessian(int64_t i) const {
    const Tensor x = x_.slice(0, i, i + 1).clone().requires_grad_();
    const Tensor loss = at::cross_entropy_loss(forward(network(), x, Keep::nothing).logits,
                                               labels_.slice(0, i, i + 1));
    const Tensor gradient = torch::autograd::grad({loss}, {x}, {}, true, true)[0].flatten();
    Tensor hessian = at::zeros({network().inputs(), network().inputs()}, at::kDouble);
    for (int64_t row = 0; row < network().inputs(); ++row) {
      hessian[row].copy_(torch::autograd::grad({gradient[row]}, {x}, {}, true)[0].flatten());
    }
    return hessian;
  }

  // A strength at which no gate flips on the way: the theory claims exactness only there.
  double strength_inside_the_region(int64_t steps) const {
    const Pass clean = forward(network(), x_, Keep::gates);
    for (double beta = 10.0; beta > 1e-9; beta /= 2) {
      Tensor x = x_.clone();
      bool inside = true;
      for (int64_t t = 0; t < steps && inside; ++t) {
        x = x + beta / static_cast<double>(steps) * input_gradient(network(), x, labels_).gradient;
        inside = gates_flipped(network(), clean, forward(network(), x, Keep::gates))
                     .sum()
                     .item<double>() == 0;
      }
      if (inside) return beta;
    }
    ADD_FAILURE() << "even the smallest attack flips a gate";
    return 0;
  }

  NamedNetwork named_;
  Tensor x_, labels_;
  LinearRegion region_;
  InputSpectrum spectrum_;
};

TEST_P(Dynamics, SpectrumEqualsTheDenseHessian) {
  if (network().inputs() > 300) {
    // The dense oracle costs one backward per pixel: one sample, its eigenvalues by power sums.
    const Tensor hessian = dense_hessian(0);
    const Tensor lambda = spectrum_.eigenvalues[0];
    EXPECT_LT(relative_error(lambda.sum(), hessian.trace()), 1e-12);
    EXPECT_LT(relative_error(lambda.square().sum(), hessian.square().sum()), 1e-12);
    return;
  }
  for (int64_t i = 0; i < samples; ++i) {
    const Tensor hessian = dense_hessian(i);
    const Tensor expected =
        at::linalg_eigvalsh(hessian).flip(0).slice(0, 0, network().classes() - 1);
    EXPECT_LT(relative_error(spectrum_.eigenvalues[i].slice(0, 0, expected.size(0)), expected),
              1e-12);
  }
}

TEST_P(Dynamics, EigenvectorsAreOrthonormalAndEigen) {
  const int64_t count = network().classes() - 1;
  Tensors vectors;
  for (int64_t k = 0; k < count; ++k) {
    vectors.push_back(
        perturbation(network(), region_, spectrum_.directions.select(2, k)).flatten(1));
  }
  const Tensor v = at::stack(vectors, 1);  // N x (C-1) x n
  // Where dead units leave J without full rank, the eigenvalue and its eigenvector are zero.
  const Tensor identity = at::diag_embed(spectrum_.eigenvalues.gt(0).to(at::kDouble));
  EXPECT_LT(relative_error(at::bmm(v, v.transpose(1, 2)), identity), 1e-10);
  if (network().inputs() <= 300) {
    const Tensor hv = at::mm(v[0], dense_hessian(0));
    EXPECT_LT(relative_error(hv, v[0] * spectrum_.eigenvalues[0].unsqueeze(1)), 1e-10);
  }
}

TEST_P(Dynamics, TheGradientLiesInTheSpectrum) {
  const Tensor gradient = input_gradient(network(), x_, labels_).gradient;
  const Tensor gamma = components(network(), region_, spectrum_, gradient);
  EXPECT_LT(relative_error(spectrum_.gradient, gamma), 1e-10);
  EXPECT_LT(relative_error(gamma.square().sum(1), gradient.flatten(1).square().sum(1)), 1e-10);
}

TEST_P(Dynamics, QuadraticStepsEqualTheirRecursion) {
  const double beta = 2.0 / spectrum_.eigenvalues.max().item<double>();
  const int64_t steps = 30;
  const double alpha = beta / static_cast<double>(steps);
  // d <- d + alpha (g + H d), with H d = J^T H_z J d by passes.
  const Pass& pass = region_.pass;
  const Tensor p = at::softmax(pass.logits, 1);
  const Tensor gradient = input_gradient(network(), x_, labels_).gradient;
  Tensor d = at::zeros_like(gradient);
  for (int64_t t = 0; t < steps; ++t) {
    const Tensor jd = jacobian_vector(network(), pass, d);
    const Tensor hz = p * jd - p * (p * jd).sum(1, true);
    d = d + alpha * (gradient + vector_jacobian(network(), pass, hz));
  }
  const QuadraticSolution solution = quadratic_attack(region_, labels_, beta, steps);
  EXPECT_TRUE(solution.in_range.all().item<bool>());
  EXPECT_LT(relative_error(perturbation(network(), region_, solution.coefficients), d), 1e-12);
}

TEST_P(Dynamics, QuadraticStepsConvergeToTheLimit) {
  const double beta = 2.0 / spectrum_.eigenvalues.max().item<double>();
  const Tensor limit = quadratic_attack_limit(region_, labels_, beta).coefficients;
  double previous = 1e300;
  for (int64_t steps : {10, 100, 1000, 10000}) {
    const double error =
        relative_error(quadratic_attack(region_, labels_, beta, steps).coefficients, limit);
    EXPECT_LT(error, previous / 5);  // first order in 1 / steps
    previous = error;
  }
  EXPECT_LT(relative_error(quadratic_attack(region_, labels_, beta, 1LL << 50).coefficients, limit),
            1e-12);
}

TEST_P(Dynamics, QuadraticLimitIsTheSumOverEigenvectors) {
  for (double strength : {1e-6, 0.01, 1.0, 20.0}) {
    const double beta = strength / spectrum_.eigenvalues.max().item<double>();
    const Tensor& lambda = spectrum_.eigenvalues;
    const Tensor psi =
        at::where(lambda > 0, at::expm1(beta * lambda) / lambda, at::full_like(lambda, beta));
    const Tensor c =
        at::bmm(spectrum_.directions, (psi * spectrum_.gradient).unsqueeze(2)).squeeze(2);
    const Tensor solution = quadratic_attack_limit(region_, labels_, beta).coefficients;
    EXPECT_LT(relative_error(perturbation(network(), region_, solution),
                             perturbation(network(), region_, c)),
              1e-9);
  }
}

TEST_P(Dynamics, OutOfRangeIsSaidNotShown) {
  const double beta = 1e4 / spectrum_.eigenvalues.select(1, 0).min().item<double>();
  const QuadraticSolution solution = quadratic_attack_limit(region_, labels_, beta);
  EXPECT_FALSE(solution.in_range.any().item<bool>());
  EXPECT_TRUE(at::isfinite(solution.coefficients).all().item<bool>());
  for (int64_t steps : {1, 50}) {
    const auto discrete = quadratic_attack(region_, labels_, beta, steps);
    EXPECT_TRUE(at::isfinite(discrete.coefficients).all().item<bool>());
  }
  EXPECT_TRUE(at::isfinite(region_attack_limit(region_, labels_, beta)).all().item<bool>());
}

TEST_P(Dynamics, RegionExactEqualsTheRealAttackInsideTheRegion) {
  const int64_t steps = 40;
  const double beta = strength_inside_the_region(steps);
  const AttackResult real = run_attack(network(), x_, labels_, raw_attack(beta, steps));
  const Tensor delta =
      perturbation(network(), region_, region_attack(region_, labels_, beta, steps));
  // The perturbation is a difference of images near 1, so its digits end at 1e-16 of the image.
  const double rounding = (1e-14 * x_.norm() / delta.norm()).item<double>();
  EXPECT_LT(relative_error(delta, real.adversarial - x_), 1e-12 + rounding);
}

// The largest attack of that norm, without random start, that stays inside the region.
TEST_P(Dynamics, RegionExactBallsEqualTheRealAttackInsideTheRegion) {
  const int64_t steps = 12;
  const Pass clean = forward(network(), x_, Keep::gates);
  const auto stays_inside = [&](Attack attack) {
    bool inside = true;
    for (attack.steps = 1; attack.steps <= steps && inside; ++attack.steps) {
      const Tensor end = run_attack(network(), x_, labels_, attack).adversarial;
      const Pass pass = forward(network(), end, Keep::gates);
      inside = gates_flipped(network(), clean, pass).sum().item<double>() == 0;
    }
    return inside;
  };
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    PgdOptions options;
    options.steps = steps;
    options.random_start = false;
    Attack attack;
    for (double radius = 1.0;; radius /= 2) {
      ASSERT_GT(radius, 1e-9) << "no radius stays inside the region";
      options.ball = {norm, radius};
      attack = pgd_attack(options);
      attack.pixel_box = norm == Norm::linf;
      if (stays_inside(attack)) break;
    }
    const double radius = attack.ball->radius;
    const Tensor delta =
        norm == Norm::l2
            ? perturbation(network(), region_,
                           region_attack_l2(region_, labels_, attack.step_size, steps, radius))
            : region_attack_linf(network(), region_, x_, labels_, attack.step_size, steps, radius);
    const Tensor end = run_attack(network(), x_, labels_, attack).adversarial;
    EXPECT_LT(relative_error(delta, end - x_), 1e-10 + 1e-14 / radius) << to_string(norm);
    const auto length = [&](const Tensor& x) {
      return logit_gradient(forward(network(), x, Keep::nothing).logits, labels_).norm(2, 1);
    };
    const Tensor boost = region_boost(network(), region_, labels_, delta);
    EXPECT_LT(relative_error(boost, length(end) / length(x_)), 1e-9) << to_string(norm);
  }
}

TEST_P(Dynamics, RegionExactStepsConvergeToTheFlow) {
  const double beta = 3.0 / spectrum_.eigenvalues.max().item<double>();
  const Tensor flow = region_attack_limit(region_, labels_, beta);
  double previous = 1e300;
  for (int64_t steps : {100, 1000, 10000}) {
    const double error = relative_error(region_attack(region_, labels_, beta, steps), flow);
    EXPECT_LT(error, previous / 5);
    previous = error;
  }
  // Richardson extrapolation removes the first-order error of the steps.
  const Tensor extrapolated = 2 * region_attack(region_, labels_, beta, 20000) -
                              region_attack(region_, labels_, beta, 10000);
  EXPECT_LT(relative_error(extrapolated, flow), 1e-6);
}

TEST_P(Dynamics, OneSegmentIsTheRegionExactAttackAndMoreNeverHurtInsideTheRegion) {
  const int64_t steps = 24;
  const double beta = strength_inside_the_region(steps);
  const Tensor whole =
      perturbation(network(), region_, region_attack(region_, labels_, beta, steps));
  for (auto scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
    for (int64_t segments : {1, 3, 8, 30}) {
      const Tensor delta = segmented_attack(network(), x_, labels_, beta, steps, segments, scheme);
      EXPECT_LT(relative_error(delta, whole), 1e-9);
    }
  }
}

TEST_P(Dynamics, AsManySegmentsAsStepsIsTheRealAttack) {
  const int64_t steps = 10;
  const double beta = 40 * strength_inside_the_region(steps);  // gates flip
  const Tensor real = run_attack(network(), x_, labels_, raw_attack(beta, steps)).adversarial - x_;
  for (auto scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
    const Tensor delta = segmented_attack(network(), x_, labels_, beta, steps, steps, scheme);
    EXPECT_LT(relative_error(delta, real), 1e-8);
  }
}

TEST(Segments, ErrorsFallAndChordsAreSeveralTimesCloser) {
  // Wide, so that many gates flip a little each; many steps, so that segments and not steps limit.
  ArchitectureOptions options;
  options.input_shape = {50};
  options.hidden = {1000, 1000};
  options.classes = 5;
  const Network network = make_network(options).to(at::kDouble);
  at::manual_seed(1);
  const Tensor x = random_input(network, 8);
  const Tensor labels = at::randint(5, {8}, at::kLong);
  const int64_t steps = 960;
  const double beta = 0.5;
  const Tensor real = run_attack(network, x, labels, raw_attack(beta, steps)).adversarial - x;
  const auto error = [&](int64_t segments, SegmentScheme scheme) {
    return relative_error(segmented_attack(network, x, labels, beta, steps, segments, scheme),
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

INSTANTIATE_TEST_SUITE_P(Networks, Dynamics, testing::Range(0, 7), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(Binary, MarginEqualsAFineIntegration) {
  for (double a0 : {-6.0, -1.0, 0.5, 3.0}) {
    for (double k : {0.1, 5.0}) {
      for (double tau : {0.3, 4.0}) {
        double a = a0;
        const int steps = 200000;
        for (int t = 0; t < steps; ++t) a += tau / steps * k / (1 + std::exp(-a));
        EXPECT_NEAR(binary_margin(a0, k, tau), a, 1e-5 * (1 + std::abs(a)));
      }
    }
  }
}

TEST(Binary, OmegaSolvesItsEquation) {
  for (double y = -2000; y < 1e6; y += y < 50 ? 0.37 : 1000) {
    const double v = log_wright_omega(y);
    EXPECT_NEAR(std::exp(v) + v, y, 1e-12 * (1 + std::abs(y)));
  }
  EXPECT_EQ(binary_margin(-1e4, 1.0, 1.0), -1e4);
  EXPECT_NEAR(binary_margin(1e4, 2.0, 3.0), 1e4 + 6, 1e-8);
}

TEST(Binary, ClosedFormEqualsTheClassSpaceFlow) {
  // Two classes: margin a = z_1 - z_0 for label 0, k = ||J_1 - J_0||^2.
  at::manual_seed(3);
  ArchitectureOptions options;
  options.input_shape = {6};
  options.hidden = {12};
  options.classes = 2;
  const Network network = make_network(options).to(at::kDouble);
  const Tensor x = random_input(network, 5);
  const Tensor labels = at::zeros({5}, at::kLong);
  const LinearRegion region = linear_region(network, x);
  const double beta = 4.0;
  const Tensor c = region_attack_limit(region, labels, beta);
  for (int64_t i = 0; i < 5; ++i) {
    const Tensor z = region.logits[i] + at::mv(region.gram[i], c[i]);
    const Tensor& gram = region.gram;
    const double k = (gram[i][0][0] + gram[i][1][1] - 2 * gram[i][0][1]).item<double>();
    const double a0 = (region.logits[i][1] - region.logits[i][0]).item<double>();
    EXPECT_NEAR(binary_margin(a0, k, beta), (z[1] - z[0]).item<double>(), 1e-7);
  }
}

}  // namespace
}  // namespace reluctance
