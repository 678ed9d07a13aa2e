// The curvature that a training feels, against what it is made of.
#include "reluctance/claims/felt_curvature.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "network/random_networks.hpp"
#include "relative_error.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

struct Trained {
  Network network;
  Samples samples;
  Tensor direction;  // of the parameters
};

Trained trained(int index = 2) {  // mlp
  at::manual_seed(17);
  Network network = networks_in_double().at(static_cast<std::size_t>(index)).network;
  const Tensor x = random_input(network, 30);
  const Tensor labels = at::randint(network.classes(), {30}, at::kLong);
  const Tensor v = at::randn({network.parameter_count()}, at::kDouble);
  return {std::move(network), {x, labels}, v / v.norm()};
}

GradientAscent pgd_in(const Ball& ball, bool random_start = false) {
  PgdOptions options;
  options.ball = ball;
  options.steps = 6;
  options.random_start = random_start;
  return pgd_attack(options);
}

CurvatureSamplesPtr at_images(const Trained& subject, const Tensor& images, const Loss& loss) {
  return std::make_shared<CurvatureSamples>(subject.network, subject.samples.with_images(images),
                                            loss);
}

// The change of the objective's own gradient along the direction, its attack run anew.
Tensor gradient_change(const Trained& subject, const Objective& objective) {
  constexpr double step = 1e-6;
  const auto gradient = [&](double length) {
    return batch_gradient(subject.network.displaced(length * subject.direction), subject.samples,
                          objective)
        .flat();
  };
  return (gradient(step) - gradient(-step)) / (2 * step);
}

// That the felt curvature is the same as the effective one of an attack that ended at `attacked`.
void expect_effective(const Trained& subject, const FeltCurvature& felt,
                      const EffectiveCurvature& expected, const Tensor& attacked) {
  EXPECT_FALSE(felt.is_hessian());
  EXPECT_TRUE(at::equal(felt.attacked().images, attacked));
  EXPECT_TRUE(at::equal(felt.attacked().labels, subject.samples.labels));
  const Tensor& v = subject.direction;
  const Tensor product = felt.effective().product(v);
  EXPECT_TRUE(at::equal(product, expected.matrix().product(v)));
  EXPECT_TRUE(at::equal(felt.sample_curvatures(v), expected.sample_curvatures(v)));
  EXPECT_TRUE(at::equal(felt.smooth(), expected.smooth()));
  // The attack adds something, and the Hessian is that at the attacked images without it.
  const auto there = at_images(subject, attacked, cross_entropy_loss());
  EXPECT_TRUE(at::equal(felt.hessian().product(v), loss_hessian(there).product(v)));
  EXPECT_TRUE(at::equal(felt.gauss_newton().product(v), gauss_newton(there).product(v)));
  EXPECT_GT(relative_error(product, felt.hessian().product(v)), 1e-3);
}

TEST(FeltCurvature, WithoutAnAttackIsTheHessianOfTheLoss) {
  for (const Loss& loss : {cross_entropy_loss(), cross_entropy_loss(0.1), squared_error_loss()}) {
    const Trained all = trained();
    const FeltCurvature felt(all.network, all.samples, {loss, {}});
    EXPECT_TRUE(felt.is_hessian());
    EXPECT_TRUE(at::equal(felt.attacked().images, all.samples.images));
    const auto here = at_images(all, all.samples.images, loss);
    const Tensor& v = all.direction;
    const Tensor expected = loss_hessian(here).product(v);
    EXPECT_TRUE(at::equal(felt.hessian().product(v), expected)) << loss.name;
    EXPECT_TRUE(at::equal(felt.effective().product(v), expected)) << loss.name;
    EXPECT_TRUE(at::equal(felt.sample_curvatures(v), sample_curvatures(*here, v))) << loss.name;
    EXPECT_TRUE(at::equal(felt.sample_gauss_newton(v), sample_gauss_newton(*here, v))) << loss.name;
    EXPECT_TRUE(felt.smooth().all().item<bool>());
    EXPECT_LT(relative_error(felt.effective().product(v), gradient_change(all, {loss, {}})), 1e-6)
        << loss.name;
  }
}

TEST(FeltCurvature, InLinfIsTheHessianAtTheAttackedImages) {
  const Trained all = trained();
  // Whatever start the training chooses: for all parameters there is one, the image.
  for (const bool random_start : {false, true}) {
    const Objective objective{cross_entropy_loss(), pgd_in({Norm::linf, 0.1}, random_start)};
    const FeltCurvature felt(all.network, all.samples, objective);
    EXPECT_TRUE(felt.is_hessian());
    const Tensor attacked =
        attacked_images(all.network, all.samples, pgd_in({Norm::linf, 0.1}, false));
    EXPECT_FALSE(at::equal(attacked, all.samples.images));
    EXPECT_TRUE(at::equal(felt.attacked().images, attacked));
    const auto there = at_images(all, attacked, cross_entropy_loss());
    const Tensor& v = all.direction;
    EXPECT_TRUE(at::equal(felt.effective().product(v), loss_hessian(there).product(v)));
    EXPECT_TRUE(at::equal(felt.sample_curvatures(v), sample_curvatures(*there, v)));
    EXPECT_TRUE(felt.smooth().all().item<bool>());
  }
}

TEST(FeltCurvature, InL2IsTheEffectiveCurvatureOfTheAttacksPath) {
  const Trained all = trained();
  for (const bool pixel_box : {true, false}) {
    GradientAscent attack = pgd_in({Norm::l2, 0.2});
    attack.pixel_box = pixel_box;
    const std::vector<Tensor> path = attack_path(all.network, all.samples, attack);
    ASSERT_EQ(path.size(), 7U);
    const EffectiveCurvature expected(
        at_images(all, path.back(), cross_entropy_loss()),
        L2Response{0.2, all.samples.images, pixel_box, path, attack.step_size});
    const FeltCurvature felt(all.network, all.samples, {cross_entropy_loss(), attack});
    expect_effective(all, felt, expected, path.back());
    attack.random_start = true;
    const FeltCurvature random(all.network, all.samples, {cross_entropy_loss(), attack});
    expect_effective(all, random, expected, path.back());
  }
}

TEST(FeltCurvature, UnderARawAttackIsItsEffectiveCurvature) {
  const Trained all = trained();
  const GradientAscent attack = raw_attack(0.5, 8);
  const Tensor attacked = attacked_images(all.network, all.samples, attack);
  const EffectiveCurvature expected(at_images(all, attacked, cross_entropy_loss()),
                                    RawResponse{0.5, 8});
  const FeltCurvature felt(all.network, all.samples, {cross_entropy_loss(), attack});
  expect_effective(all, felt, expected, attacked);
}

// A linear network has no gates that open on the way: the derivative of what training really does.
TEST(FeltCurvature, IsTheChangeOfTheTrainingsOwnGradient) {
  const Trained linear = trained(1);
  const std::vector<std::pair<GradientAscent, double>> attacks{{pgd_in({Norm::linf, 0.1}), 1e-6},
                                                               {pgd_in({Norm::l2, 0.1}), 1e-2},
                                                               {raw_attack(0.02, 6), 1e-3}};
  for (const auto& [attack, tolerance] : attacks) {
    const Objective objective{cross_entropy_loss(), attack};
    const FeltCurvature felt(linear.network, linear.samples, objective);
    const Tensor change = gradient_change(linear, objective);
    const Tensor& v = linear.direction;
    EXPECT_LT(relative_error(felt.effective().product(v), change), tolerance) << describe(attack);
    // The Hessian alone is not.
    if (!felt.is_hessian()) {
      EXPECT_GT(relative_error(felt.hessian().product(v), change), 3 * tolerance)
          << describe(attack);
    }
  }
}

// Squared error of a linear network is a quadratic.
TEST(SwingCurvature, OfAQuadraticIsItsLargestEigenvalue) {
  const Trained linear = trained(1);
  const Objective objective{squared_error_loss(), {}};
  const FeltCurvature felt(linear.network, linear.samples, objective);
  EigenpairOptions wanted;
  wanted.count = 1;
  wanted.tolerance = 1e-8;
  const Eigenpairs top = top_eigenpairs(felt.hessian(), wanted);
  const Tensor start = top.vectors[0] + 0.2 * linear.direction;
  const double found = swing_curvature(linear.network, linear.samples, objective, start, 0.1);
  EXPECT_NEAR(found / top.largest(), 1, 1e-3);
}

// As narrow as rounding allows, swings under an L-infinity attack stay between its sign flips.
TEST(SwingCurvature, OfNarrowSwingsInLinfIsThatOfTheHessian) {
  const Trained all = trained();
  const Objective objective{cross_entropy_loss(), pgd_in({Norm::linf, 0.1})};
  const FeltCurvature felt(all.network, all.samples, objective);
  EigenpairOptions wanted;
  wanted.count = 1;
  wanted.tolerance = 1e-8;
  const Eigenpairs top = top_eigenpairs(felt.hessian(), wanted);
  const Tensor start = top.vectors[0];
  const auto at_width = [&](double width) {
    return swing_curvature(all.network, all.samples, objective, start, width) / top.largest();
  };
  EXPECT_NEAR(at_width(1e-10), 1, 1e-3);
  EXPECT_GT(at_width(1e-2), 1.1);  // flips are curvature that the Hessian does not have
}

// A linear network whose classes, but for the labelled one, are alike, on copies of one image:
// every curvature commutes with exchanging those four, so eigenvalues come three times.
TEST(FeltCurvature, EigenvaluesOfAlikeClassesAreAllFound) {
  constexpr int64_t classes = 5, inputs = 6, label = 2;
  at::manual_seed(4);
  Network network(Shape{inputs});
  Tensor weight = at::randn({inputs}, at::kDouble).expand({classes, inputs}).clone();
  weight[label].copy_(at::randn({inputs}, at::kDouble));
  network.append(linear_layer(), {weight, at::zeros({classes}, at::kDouble)});
  const Samples samples{at::randn({inputs}, at::kDouble).expand({3, inputs}).contiguous(),
                        at::full({3}, label, at::kLong)};
  Objective l2;
  l2.attack = pgd_in({Norm::l2, 0.3});
  Objective raw;
  raw.attack = raw_attack(0.2, 5);
  const FeltCurvature plain(network, samples, {});
  const FeltCurvature under_raw(network, samples, raw);
  const FeltCurvature under_l2(network, samples, l2);
  for (const LinearOperator& matrix :
       {plain.hessian(), plain.gauss_newton(), under_raw.hessian(), under_raw.effective(),
        under_l2.gauss_newton(), under_l2.effective()}) {
    Tensors columns;
    for (const Tensor& e : at::eye(matrix.size, at::kDouble).unbind()) {
      columns.push_back(matrix.product(e));
    }
    const Tensor dense = at::stack(columns, 1);
    const Tensor all = std::get<0>(at::real(at::linalg_eigvals(dense)).sort(0, true));
    EigenpairOptions options;
    options.count = 5;
    options.tolerance = 1e-7;
    const Eigenpairs pairs = top_eigenpairs(matrix, options);
    ASSERT_EQ(pairs.values.size(0), 5);
    EXPECT_LT((pairs.values - all.slice(0, 0, 5)).abs().max().item<double>(),
              1e-6 * all[0].item<double>());
    int64_t equal = 0;  // neighbours among the five
    for (int64_t k = 0; k + 1 < 5; ++k) {
      equal += (all[k] - all[k + 1]).item<double>() < 1e-6 * all[0].item<double>() ? 1 : 0;
    }
    EXPECT_GE(equal, 2);
  }
}

TEST(FeltCurvature, IsRefusedWhereNoneIsKnown) {
  const Trained all = trained();
  const auto message = [&](const Objective& objective) -> std::string {
    try {
      const FeltCurvature felt(all.network, all.samples, objective);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message({cross_entropy_loss(), pgd_in({Norm::l1, 1.0})}).find("l1"), std::string::npos);
  GradientAscent attack = pgd_in({Norm::l2, 0.2});
  EXPECT_EQ(message({cross_entropy_loss(), attack}), "");
  EXPECT_NE(message({squared_error_loss(), attack}).find("squared-error"), std::string::npos);
  EXPECT_NE(message({cross_entropy_loss(0.1), attack}).find("smoothed"), std::string::npos);
  attack.loss = squared_error_loss();
  EXPECT_NE(message({cross_entropy_loss(), attack}).find("squared-error"), std::string::npos);
  // On the same loss it is known.
  EXPECT_EQ(message({squared_error_loss(), attack}), "");
  // In any ball.
  attack = pgd_in({Norm::linf, 0.1});
  EXPECT_NE(message({squared_error_loss(), attack}), "");
}

TEST(Carriers, HaveSharesThatSumToOne) {
  const Trained all = trained();
  for (const Objective& objective :
       {Objective{}, Objective{cross_entropy_loss(), pgd_in({Norm::l2, 0.2})},
        Objective{cross_entropy_loss(), pgd_in({Norm::linf, 0.1})}}) {
    const FeltCurvature felt(all.network, all.samples, objective);
    EigenpairOptions options;
    options.count = 3;
    options.tolerance = 1e-8;
    const Eigenpairs top = top_eigenpairs(felt.effective(), options);
    ASSERT_TRUE(top.converged);
    for (int64_t k = 0; k < 3; ++k) {
      const Carriers carriers =
          carriers_of(top.values[k].item<double>(), felt.sample_curvatures(top.vectors[k]));
      EXPECT_EQ(carriers.eigenvalue, top.values[k].item<double>());
      ASSERT_EQ(carriers.shares.sizes(), at::IntArrayRef({30}));
      EXPECT_NEAR(carriers.shares.sum().item<double>(), 1, 1e-6);
    }
  }
}

TEST(Carriers, AreTheFewestThatHoldHalf) {
  const Carriers four = carriers_of(2.5, at::tensor({1.0, 4.0, 2.0, 3.0}, at::kDouble));
  EXPECT_EQ(four.half, 2);
  EXPECT_TRUE(at::allclose(four.shares, at::tensor({0.1, 0.4, 0.2, 0.3}, at::kDouble)));
  EXPECT_EQ(carriers_of(1, at::tensor({3.0, 0.0, 0.0}, at::kDouble)).half, 1);
}

}  // namespace
}  // namespace reluctance
