// The quadratic solution against recursions and the exact attack, in float64.
#include "reluctance/theory/quadratic.hpp"

#include <gtest/gtest.h>

#include "reluctance/theory/region_attack.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class Quadratic : public RandomRegion {
 protected:
  double strength(double beta_lambda) const {
    return beta_lambda / spectrum_.eigenvalues.max().item<double>();
  }

  Tensor perturbation_of(const Tensor& coefficients) const {
    return perturbation(network(), region_, coefficients);
  }
};

TEST_P(Quadratic, StepsEqualTheirRecursion) {
  const double beta = strength(2);
  const int64_t steps = 30;
  const double alpha = beta / static_cast<double>(steps);
  // d <- d + alpha (g + H d), with H d = J^T H_z J d by passes.
  const Tensor gradient = gradient_at(images());
  Tensor d = at::zeros_like(gradient);
  for (int64_t t = 0; t < steps; ++t) {
    const Tensor hz = taped_logit_hessian(taped_, region_.pass.logits, samples_.labels,
                                          jacobian_vector(network(), region_.pass, d));
    d = d + alpha * (gradient + vector_jacobian(network(), region_.pass, hz));
  }
  const QuadraticSolution solution = quadratic_attack(region_, beta, steps);
  EXPECT_TRUE(solution.in_range.all().item<bool>());
  EXPECT_LT(relative_error(perturbation_of(solution.coefficients), d), 1e-12);
}

TEST_P(Quadratic, StepsConvergeToTheLimit) {
  const double beta = strength(2);
  const Tensor limit = quadratic_attack_limit(region_, beta).coefficients;
  double previous = 1e300;
  for (int64_t steps : {10, 100, 1000, 10000}) {
    const double error = relative_error(quadratic_attack(region_, beta, steps).coefficients, limit);
    EXPECT_LT(error, previous / 5);  // first order in 1 / steps
    previous = error;
  }
  EXPECT_LT(relative_error(quadratic_attack(region_, beta, 1LL << 50).coefficients, limit), 1e-12);
}

TEST_P(Quadratic, TheLimitIsTheSumOverEigenvectors) {
  for (double beta_lambda : {1e-6, 0.01, 1.0, 20.0}) {
    const double beta = strength(beta_lambda);
    const Tensor& lambda = spectrum_.eigenvalues;
    const Tensor psi =
        at::where(lambda > 0, at::expm1(beta * lambda) / lambda, at::full_like(lambda, beta));
    const Tensor c =
        at::bmm(spectrum_.directions, (psi * spectrum_.gradient).unsqueeze(2)).squeeze(2);
    const Tensor solution = quadratic_attack_limit(region_, beta).coefficients;
    EXPECT_LT(relative_error(perturbation_of(solution), perturbation_of(c)), 1e-9);
  }
}

TEST_P(Quadratic, AStrengthForEachSampleIsThatOfEachAlone) {
  const Tensor betas = strength(2) * at::tensor({0.1, 0.5, 1.0, 0.7}, at::kDouble);
  const Tensor all = quadratic_attack(region_, betas, 12).coefficients;
  for (int64_t i = 0; i < count; ++i) {
    const Tensor alone = quadratic_attack(region_, betas[i].item<double>(), 12).coefficients;
    EXPECT_TRUE(at::equal(all[i], alone[i]));
  }
}

TEST_P(Quadratic, OutOfRangeIsSaidNotShown) {
  const double beta = 1e4 / spectrum_.eigenvalues.select(1, 0).min().item<double>();
  const QuadraticSolution solution = quadratic_attack_limit(region_, beta);
  EXPECT_FALSE(solution.in_range.any().item<bool>());
  EXPECT_TRUE(at::isfinite(solution.coefficients).all().item<bool>());
  for (int64_t steps : {1, 50}) {
    const auto discrete = quadratic_attack(region_, beta, steps);
    EXPECT_TRUE(at::isfinite(discrete.coefficients).all().item<bool>());
  }
}

// The loss is quadratic in the logits then, and nothing is left out.
TEST_P(Quadratic, IsExactForSquaredErrorInsideTheRegion) {
  if (!squared_error()) {
    // Of cross-entropy it is an expansion: off by more than rounding.
    const Tensor exact = region_attack(region_, strength(2), 30);
    const Tensor expanded = quadratic_attack(region_, strength(2), 30).coefficients;
    EXPECT_GT(relative_error(expanded, exact), 1e-6);
    return;
  }
  for (const double beta_lambda : {0.1, 2.0, 20.0}) {
    const double beta = strength(beta_lambda);
    const Tensor exact = perturbation_of(region_attack(region_, beta, 30));
    const Tensor quadratic = perturbation_of(quadratic_attack(region_, beta, 30).coefficients);
    EXPECT_LT(relative_error(quadratic, exact), 1e-10) << beta_lambda;
  }
  // And as the real attack is, where no gate flips on its way.
  const int64_t steps = 40;
  const double beta = strength_inside_the_region(steps);
  const Tensor attacked = attacked_images(network(), samples_, raw(beta, steps));
  ASSERT_TRUE(same_gates(attacked));
  const Tensor delta = perturbation_of(quadratic_attack(region_, beta, steps).coefficients);
  const double rounding = (1e-14 * images().norm() / delta.norm()).item<double>();
  EXPECT_LT(relative_error(delta, attacked - images()), 1e-10 + rounding);
}

INSTANTIATE_TEST_SUITE_P(Networks, Quadratic, all_pairs(), name_of);

}  // namespace
}  // namespace reluctance
