// The measured critical learning rate where it is known in closed form.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "network/random_networks.hpp"
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
  for (const double momentum : {0.0, 0.5, 0.9}) {
    CriticalRateOptions options;
    options.momentum = momentum;
    const auto measured = measured_critical_rate(net, samples, options);
    ASSERT_TRUE(measured.has_value());
    EXPECT_NEAR(*measured * lambda / (2 * (1 + momentum)), 1, 0.04) << "momentum " << momentum;
  }
}

TEST(CriticalRate, NothingWhereNothingCurves) {
  // Every image is zero and so is every weight's gradient but the bias's, which one class cancels.
  Network net({2});
  net.append(linear_layer(),
             {at::zeros({2, 2}, at::kDouble), at::tensor({1000.0, -1000.0}, at::kDouble)});
  const Samples samples(at::zeros({4, 2}, at::kDouble), at::zeros({4}, at::kLong));
  const auto measured = measured_critical_rate(net, samples, {});
  EXPECT_FALSE(measured.has_value());
}

}  // namespace
}  // namespace reluctance
