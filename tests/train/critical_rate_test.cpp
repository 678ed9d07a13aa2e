// The measured critical learning rate where it is known in closed form.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "network/random_networks.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/train/critical_rate.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {
namespace {

// The largest eigenvalue of the Hessian of softmax regression, a convex loss, built densely:
// mean of H_z kron (x, 1)(x, 1)^T.
double largest_eigenvalue(const Network& net, const Tensor& x) {
  const Tensor p = at::softmax(at::addmm(net.parameters()[1], x, net.parameters()[0].t()), 1);
  const Tensor one = at::cat({x, at::ones({x.size(0), 1}, at::kDouble)}, 1);
  const int64_t size = p.size(1) * one.size(1);
  Tensor hessian = at::zeros({size, size}, at::kDouble);
  for (int64_t i = 0; i < x.size(0); ++i) {
    const Tensor h = at::diag(p[i]) - at::ger(p[i], p[i]);
    hessian += at::kron(h, at::ger(one[i], one[i])) / static_cast<double>(x.size(0));
  }
  return at::linalg_eigvalsh(hessian).max().item<double>();
}

TEST(CriticalRate, IsTwoOverTheLargestEigenvalueOfSoftmaxRegression) {
  const Network net = networks_in_double()[1].network;  // linear
  at::manual_seed(6);
  const Tensor x = random_input(net, 30);
  const Samples samples(x, at::randint(net.classes(), {30}, at::kLong));
  const double lambda = largest_eigenvalue(net, x);
  const TriedTraining tried(net, samples, {});
  EXPECT_TRUE(tried.smooth());
  EXPECT_NEAR(tried.largest() / lambda, 1, 1e-4);
  EXPECT_NEAR(tried.secant(1e-6) / lambda, 1, 1e-4);
  for (const double momentum : {0.0, 0.5, 0.9}) {
    const auto measured = tried.critical_rate(momentum);
    ASSERT_TRUE(measured.has_value());
    EXPECT_NEAR(*measured * lambda / (2 * (1 + momentum)), 1, 0.02) << "momentum " << momentum;
  }
}

// A network that stands on a saddle leaves it along the negative direction, whatever the rate is;
// that is no oscillation, and hides none.
TEST(CriticalRate, IsThatOfTheLargestEigenvalueBesideNegativeOnes) {
  const Network net = networks_in_double()[2].network;  // mlp
  at::manual_seed(7);
  const Tensor x = random_input(net, 40);
  const Samples samples(x, at::randint(net.classes(), {40}, at::kLong));
  const CurvatureSamplesPtr data =
      std::make_shared<CurvatureSamples>(net, samples, cross_entropy_loss());
  EigenpairOptions wanted;
  wanted.tolerance = 1e-6;
  const double lambda = top_eigenpairs(loss_hessian(data), wanted).largest();
  const TriedTraining tried(net, samples, {});
  EXPECT_LT(tried.smallest(), -0.05 * lambda);
  EXPECT_NEAR(tried.largest() / lambda, 1, 1e-3);
  for (const double momentum : {0.0, 0.9}) {
    const auto measured = tried.critical_rate(momentum);
    ASSERT_TRUE(measured.has_value());
    EXPECT_NEAR(*measured * lambda / (2 * (1 + momentum)), 1, 0.03) << "momentum " << momentum;
  }
}

// Squared error of a linear network is a quadratic, mean of (x, 1)(x, 1)^T kron 1: swings of any
// width meet the same curvature.
TEST(CriticalRate, OfAQuadraticIsTheSameAtAnyWidth) {
  const Network net = networks_in_double()[1].network;  // linear
  at::manual_seed(8);
  const Tensor x = random_input(net, 30);
  const Samples samples(x, at::randint(net.classes(), {30}, at::kLong));
  const Tensor one = at::cat({x, at::ones({30, 1}, at::kDouble)}, 1);
  const double lambda = at::linalg_eigvalsh(at::mm(one.t(), one) / 30).max().item<double>();
  const Objective objective{squared_error_loss(), {}};
  for (const double width : {1e-3, 0.5}) {
    const TriedTraining tried(net, samples, objective, {}, width);
    EXPECT_NEAR(tried.largest() / lambda, 1, 1e-6);
    EXPECT_NEAR(tried.secant(2 * width) / lambda, 1, 1e-6);
    for (const double momentum : {0.0, 0.5, 0.9}) {
      const auto measured = tried.critical_rate(momentum);
      ASSERT_TRUE(measured.has_value());
      EXPECT_NEAR(*measured * lambda / (2 * (1 + momentum)), 1, 0.011) << "momentum " << momentum;
    }
  }
}

TEST(CriticalRate, TellsThatTheGradientJumps) {
  // The image is on the kink of the only ReLU, so that any displacement opens or closes it.
  Network net({1});
  const auto matrix = [](double value) { return at::full({1, 1}, value, at::kDouble); };
  net.append(linear_layer(), {matrix(1), at::full({1}, -1, at::kDouble)});
  net.append(relu_layer());
  net.append(linear_layer(),
             {at::tensor({1.0, -1.0}, at::kDouble).view({2, 1}), at::zeros({2}, at::kDouble)});
  const Samples samples(matrix(1), at::zeros({1}, at::kLong));
  EXPECT_FALSE(TriedTraining(net, samples, {}).smooth());
}

TEST(CriticalRate, NothingWhereNothingCurves) {
  // Every image is zero and so is every weight's gradient but the bias's, which one class cancels.
  Network net({2});
  net.append(linear_layer(),
             {at::zeros({2, 2}, at::kDouble), at::tensor({1000.0, -1000.0}, at::kDouble)});
  const Samples samples(at::zeros({4, 2}, at::kDouble), at::zeros({4}, at::kLong));
  const TriedTraining tried(net, samples, {});
  EXPECT_FALSE(tried.critical_rate(0).has_value());
  EXPECT_EQ(tried.largest(), 0);
}

}  // namespace
}  // namespace reluctance
