// The same numbers on a GPU as on the CPU, in float64. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include "network/random_networks.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

class Cuda : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
    at::manual_seed(7);
    const Tensor images = random_input(network, 40);
    samples = Samples(images, logits(network, images).argmax(1));
  }

  Network network = networks_in_double().at(static_cast<std::size_t>(GetParam())).network;
  Network there = at::hasCUDA() ? network.to(c10::Device(at::kCUDA)) : network;
  Samples samples;
};

// Relative to the largest entry.
void expect_close(const Tensor& gpu, const Tensor& cpu, const char* what, double tolerance) {
  ASSERT_EQ(gpu.sizes(), cpu.sizes()) << what;
  const Tensor wanted = cpu.to(at::kDouble);
  const Tensor error = (gpu.to(at::kCPU, at::kDouble) - wanted).abs().max();
  EXPECT_LE(error.item<double>(), tolerance * wanted.abs().max().item<double>()) << what;
}

TEST_P(Cuda, PassesEqualTheCpus) {
  const Tensor& images = samples.images;
  const Tensor other = images + 0.3 * at::rand_like(images);
  const Tensor v = at::randn_like(images.repeat_interleave(2, 0));
  const Tensor u = at::randn({40, network.classes()}, at::kDouble);
  const auto all = [&](const Network& net) {
    const auto moved = [&](const Tensor& x) { return x.to(net.device()); };
    const Pass pass = forward(net, moved(images), Keep::inputs);
    const Pass between = chord(net, moved(images), moved(other));
    Tensors results{pass.logits, jacobian_vector(net, pass, moved(v)),
                    jacobian_vector(net, between, moved(v)), vector_jacobian(net, pass, moved(u)),
                    vector_jacobian(net, between, moved(u))};
    for (const Tensor& each : weight_gradient(net, pass, moved(u))) results.push_back(each);
    return results;
  };
  const Tensors gpu = all(there);
  const Tensors cpu = all(network);
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    EXPECT_TRUE(gpu[i].is_cuda());
    expect_close(gpu[i], cpu[i], std::to_string(i).c_str(), 1e-10);
  }
}

TEST_P(Cuda, AttacksEqualTheCpus) {
  PgdOptions pgd;
  pgd.ball = {Norm::l2, 0.3};
  pgd.restarts = 2;
  const auto attack = [&](const Network& net) {
    return as_attack(pgd_attack(pgd)).run(net, as_inputs(net, samples), {3, {}});
  };
  const AttackResult gpu = attack(there);
  const AttackResult cpu = attack(network);
  expect_close(gpu.adversarial, cpu.adversarial, "adversarial", 1e-6);
  EXPECT_TRUE(at::equal(gpu.success.to(at::kCPU), cpu.success));
}

TEST_P(Cuda, TheClaimEqualsTheCpus) {
  DynamicsOptions options;
  options.steps = 10;
  options.strengths = 3;
  const DynamicsResult gpu = test_dynamics(there, samples, options);
  const DynamicsResult cpu = test_dynamics(network, samples, options);
  EXPECT_EQ(gpu.fooled, cpu.fooled);
  ASSERT_EQ(gpu.outcome.checks.size(), cpu.outcome.checks.size());
  for (std::size_t i = 0; i < cpu.outcome.checks.size(); ++i) {
    EXPECT_NEAR(gpu.outcome.checks[i].value, cpu.outcome.checks[i].value, 1e-6)
        << cpu.outcome.checks[i].what;
  }
  EXPECT_EQ(gpu.examples.size(), cpu.examples.size());

  const Tensor beta = at::full({samples.count()}, cpu.sweep[1].beta->median, at::kDouble);
  const DynamicsComparison one = compare_dynamics(there, samples, beta, {10});
  const DynamicsComparison two = compare_dynamics(network, samples, beta, {10});
  expect_close(one.logits, two.logits, "logits", 1e-10);
  expect_close(one.eigenvalues, two.eigenvalues, "eigenvalues", 1e-8);
  expect_close(one.delta_real, two.delta_real, "delta_real", 1e-6);
  expect_close(one.delta_quadratic, two.delta_quadratic, "delta_quadratic", 1e-6);
  expect_close(one.delta_region, two.delta_region, "delta_region", 1e-6);
  EXPECT_TRUE(at::equal(one.fooled, two.fooled));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Cuda, testing::Values(0, 1, 2, 3, 4, 5, 6), [](const auto& each) {
      return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
    });

}  // namespace
}  // namespace reluctance
