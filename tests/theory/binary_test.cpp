// The binary closed form against integrations, in float64.
#include "reluctance/theory/binary.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "network/random_networks.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

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
  const Samples samples(random_input(network, 5), at::zeros({5}, at::kLong));
  const LinearRegion region = linear_region(network, samples);
  const double beta = 4.0;
  const Tensor c = region_attack_limit(region, beta);
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
