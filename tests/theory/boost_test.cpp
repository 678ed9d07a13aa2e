// Boosts of influence against the real attack and the binary closed form, in float64.
#include "reluctance/theory/boost.hpp"

#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "curvature/subjects.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/geometry/norm.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

constexpr int64_t count = 6;
constexpr int64_t steps = 8;

double largest_relative(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected) / expected).abs().max().item<double>();
}

class Boost : public testing::TestWithParam<NetworkAndLoss> {
 protected:
  Boost() : loss_(loss_of(GetParam()).loss), net_(network_of(GetParam()).network) {
    at::manual_seed(10 + std::get<0>(GetParam()));
    const Tensor x = random_input(net_, count);
    samples_ = {x, at::randint(net_.classes(), {count}, at::kLong)};
    region_ = linear_region(net_, samples_, loss_);
  }

  Tensor s_at(const Tensor& x) const {
    return loss_.gradient(forward(net_, x, Keep::nothing).logits, samples_.labels);
  }

  Loss loss_;
  Network net_;
  Samples samples_;
  LinearRegion region_;
};

// A strength for each sample, halved until its attack stays in its region: strengths of each
// sample's own are tested on the way.
TEST_P(Boost, RegionBoostIsTheRealOneInsideTheRegion) {
  Tensor beta = at::full({count}, 4.0, at::kDouble);
  CountedPasses passes(net_);
  Tensor real;
  for (int halving = 0; halving < 40; ++halving) {
    Tensor x = samples_.images.clone();
    Tensor left = at::zeros({count}, at::kBool);
    for (int64_t t = 0; t < steps; ++t) {
      const Tensor alpha = per_sample(beta / static_cast<double>(steps), x);
      x = x + alpha * input_gradient(passes, samples_.with_images(x), loss_);
      left.logical_or_(gates_flipped(net_, region_.pass, forward(net_, x, Keep::gates)).gt(0));
    }
    real = s_at(x).norm(2, 1) / s_at(samples_.images).norm(2, 1);
    if (!left.any().item<bool>()) break;
    beta = at::where(left, beta / 2, beta);
  }
  const Tensor c = region_attack(region_, beta, steps);
  EXPECT_LT(largest_relative(region_boost(region_, c), real), 1e-9);
}

TEST_P(Boost, QuadraticBoostApproachesTheExactOne) {
  double before = 1;
  for (const double beta : {1e-2, 1e-3}) {
    const Tensor exact = region_boost(region_, region_attack(region_, beta, steps)) - 1;
    const Tensor expanded =
        quadratic_boost(region_, quadratic_attack(region_, beta, steps).coefficients) - 1;
    const double error = ((exact - expanded).norm() / exact.norm()).item<double>();
    if (loss_.ignores_shift) {
      EXPECT_LT(error, before / 5);  // of first order in beta
      before = error;
    } else {
      EXPECT_LT(error, 1e-10);  // squared error is its own expansion
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Boost, all_pairs(), name_of);

TEST(Boost, IsExponentialInTheBinaryCase) {
  ArchitectureOptions options;
  options.name = "mlp";
  options.input_shape = {6};
  options.hidden = {12};
  options.classes = 2;
  const Network net = make_network(options).to(at::kDouble);
  at::manual_seed(4);
  const Tensor x = random_input(net, count);
  const LinearRegion region = linear_region(net, {x, at::randint(2, {count}, at::kLong)});
  const Tensor p = at::softmax(region.logits, 1);
  const Tensor one = at::tensor({1.0, -1.0}, at::kDouble).expand({count, 2});
  const Tensor margin_gradient = vector_jacobian(net, region.pass, one);
  const Tensor expected = p.select(1, 0) * p.select(1, 1) * margin_gradient.square().sum(1);
  const Tensor kappa = boost_rate(region);
  EXPECT_LT(largest_relative(kappa, expected), 1e-12);
  const double beta = 3;
  const Tensor boost = quadratic_boost(region, quadratic_attack_limit(region, beta).coefficients);
  EXPECT_LT(largest_relative(boost, (beta * kappa).exp()), 1e-10);
}

TEST(Boost, RateStaysFiniteForTheSurestSamples) {
  LinearRegion region;
  region.loss = cross_entropy_loss();
  region.logits = at::tensor({800.0, 0.0, -700.0, 0.0, 900.0, 0.0}, at::kDouble).view({2, 3});
  region.gram = at::eye(3, at::kDouble).repeat({2, 1, 1});
  region.labels = at::tensor({int64_t{0}, int64_t{2}}, at::kLong);
  const Tensor rate = boost_rate(region);
  EXPECT_TRUE(rate.isfinite().all().item<bool>());
  EXPECT_TRUE(rate.ge(0).all().item<bool>());
}

// The closed form of kappa holds for hard labels and cross-entropy.
TEST(Boost, RateOfAnotherLossIsRefused) {
  const Network& net = shared_networks()[2].network;
  at::manual_seed(4);
  const Samples samples(random_input(net, 3), at::zeros({3}, at::kLong));
  for (const Loss& loss : {squared_error_loss(), cross_entropy_loss(0.1)}) {
    const LinearRegion region = linear_region(net, samples, loss);
    const std::string message = error_of([&] { boost_rate(region); });
    EXPECT_NE(message.find("not of " + loss.name), std::string::npos) << message;
  }
  EXPECT_TRUE(boost_rate(linear_region(net, samples)).gt(0).all().item<bool>());
}

}  // namespace
}  // namespace reluctance
