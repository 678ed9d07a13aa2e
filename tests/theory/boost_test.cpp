// Boosts of influence against the real attack and the binary closed form, in float64.
#include <gtest/gtest.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/theory/boost.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

constexpr int64_t samples = 6;
constexpr int64_t steps = 8;

double largest_relative(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected) / expected).abs().max().item<double>();
}

class Boost : public testing::TestWithParam<int> {
 protected:
  Boost() : net_(networks_in_double().at(static_cast<std::size_t>(GetParam())).network) {
    at::manual_seed(10 + GetParam());
    x_ = random_input(net_, samples);
    labels_ = at::randint(net_.classes(), {samples}, at::kLong);
    region_ = linear_region(net_, x_);
  }

  Tensor s_at(const Tensor& x) const {
    return logit_gradient(forward(net_, x, Keep::nothing).logits, labels_);
  }

  Network net_;
  Tensor x_, labels_;
  LinearRegion region_;
};

// A strength for each sample, halved until its attack stays in its region: strengths of each
// sample's own are tested on the way.
TEST_P(Boost, RegionBoostIsTheRealOneInsideTheRegion) {
  Tensor beta = at::full({samples}, 4.0, at::kDouble);
  const Pass clean = forward(net_, x_, Keep::gates);
  Tensor real;
  for (int halving = 0; halving < 40; ++halving) {
    Tensor x = x_.clone();
    Tensor left = at::zeros({samples}, at::kBool);
    Shape scale(static_cast<std::size_t>(x.dim()), 1);
    scale[0] = -1;
    for (int64_t t = 0; t < steps; ++t) {
      x = x + (beta / static_cast<double>(steps)).view(scale) *
                  input_gradient(net_, x, labels_).gradient;
      left.logical_or_(gates_flipped(net_, clean, forward(net_, x, Keep::gates)).gt(0));
    }
    real = s_at(x).norm(2, 1) / s_at(x_).norm(2, 1);
    if (!left.any().item<bool>()) break;
    beta = at::where(left, beta / 2, beta);
  }
  const Tensor c = region_attack(region_, labels_, beta, steps);
  EXPECT_LT(largest_relative(region_boost(region_, labels_, c), real), 1e-9);
}

TEST_P(Boost, QuadraticBoostApproachesTheExactOne) {
  double before = 1;
  for (const double beta : {1e-2, 1e-3}) {
    const Tensor exact =
        region_boost(region_, labels_, region_attack(region_, labels_, beta, steps)) - 1;
    const Tensor expanded =
        quadratic_boost(region_, labels_,
                        quadratic_attack(region_, labels_, beta, steps).coefficients) -
        1;
    const double error = ((exact - expanded).norm() / exact.norm()).item<double>();
    EXPECT_LT(error, before / 5);  // of first order in beta
    before = error;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Boost, testing::Range(0, 7), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(Boost, IsExponentialInTheBinaryCase) {
  ArchitectureOptions options;
  options.name = "mlp";
  options.input_shape = {6};
  options.hidden = {12};
  options.classes = 2;
  const Network net = make_network(options).to(at::kDouble);
  at::manual_seed(4);
  const Tensor x = random_input(net, samples);
  const Tensor labels = at::randint(2, {samples}, at::kLong);
  const LinearRegion region = linear_region(net, x);
  const Tensor p = at::softmax(region.logits, 1);
  const Tensor one = at::tensor({1.0, -1.0}, at::kDouble).expand({samples, 2});
  const Tensor margin_gradient = vector_jacobian(net, region.pass, one);
  const Tensor expected = p.select(1, 0) * p.select(1, 1) * margin_gradient.square().sum(1);
  const Tensor kappa = boost_rate(region, labels);
  EXPECT_LT(largest_relative(kappa, expected), 1e-12);
  const double beta = 3;
  const Tensor boost =
      quadratic_boost(region, labels, quadratic_attack_limit(region, labels, beta).coefficients);
  EXPECT_LT(largest_relative(boost, (beta * kappa).exp()), 1e-10);
}

TEST(Boost, RateStaysFiniteForTheSurestSamples) {
  LinearRegion region;
  region.logits = at::tensor({800.0, 0.0, -700.0, 0.0, 900.0, 0.0}, at::kDouble).view({2, 3});
  region.gram = at::eye(3, at::kDouble).repeat({2, 1, 1});
  const Tensor labels = at::tensor({int64_t{0}, int64_t{2}}, at::kLong);
  const Tensor rate = boost_rate(region, labels);
  EXPECT_TRUE(rate.isfinite().all().item<bool>());
  EXPECT_TRUE(rate.ge(0).all().item<bool>());
}

}  // namespace
}  // namespace reluctance
