// reluctance dynamics: what it saves, against the theory's functions, autograd and a dense Hessian.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

constexpr int64_t dynamics_images = 12;
constexpr int64_t pixels = 784;
constexpr int64_t classes = 10;

class Dynamics : public Cli {
 protected:
  std::map<std::string, Tensor> dynamics(const std::string& beta, int64_t steps) const {
    const ProgramOutcome outcome = run_here(
        on_both("dynamics") + Arguments{"--beta", beta, "--steps", std::to_string(steps), "--limit",
                                        std::to_string(dynamics_images), "--save", "dynamics.npz"});
    EXPECT_TRUE(succeeded(outcome));
    EXPECT_EQ(outcome.err, "");
    return read_npz(in_folder("dynamics.npz"));
  }

  static Tensor inputs() {
    return dataset(dynamics_images).samples.images.flatten(1).to(at::kDouble);
  }
};

// The logits by matrix products that autograd can follow.
Tensor logits_of(const Tensors& weights, Tensor x) {
  for (std::size_t k = 0; k < weights.size(); k += 2) {
    if (k > 0) x = x.relu();
    x = at::linear(x, weights[k], weights[k + 1]);
  }
  return x;
}

// Which ReLUs are open, of all layers.
Tensor gates_of(const Tensors& weights, Tensor x) {
  Tensors open;
  for (std::size_t k = 0; k + 2 < weights.size(); k += 2) {
    x = at::linear(x, weights[k], weights[k + 1]);
    open.push_back(x.gt(0));
    x = x.relu();
  }
  return at::cat(open, 1);
}

Tensor gradient_of(const Tensor& value, const Tensor& x) {
  if (x.grad().defined()) x.mutable_grad().zero_();
  value.backward({}, /*retain_graph=*/true);
  return x.grad().clone();
}

// Plain gradient ascent on the cross-entropy of every sample.
Tensor climbed(const Tensors& weights, const Tensor& start, const Tensor& labels, double beta,
               int64_t steps) {
  Tensor x = start;
  for (int64_t step = 0; step < steps; ++step) {
    const Tensor here = x.detach().clone().requires_grad_(true);
    const Tensor loss =
        at::cross_entropy_loss(logits_of(weights, here), labels, {}, at::Reduction::Sum);
    x = x + gradient_of(loss, here) * (beta / static_cast<double>(steps));
  }
  return x - start;
}

// Eigenvalues, descending, of the n x n Hessian of the loss at one sample.
Tensor dense_spectrum(const Tensors& weights, const Tensor& sample) {
  const Tensor x = sample.detach().clone().requires_grad_(true);
  const Tensor z = logits_of(weights, x);
  Tensors rows;
  for (int64_t k = 0; k < z.size(0); ++k) rows.push_back(gradient_of(z[k], x));
  const Tensor jacobian = at::stack(rows);
  const Tensor p = z.detach().softmax(0);
  const Tensor hessian = jacobian.t().mm((p.diag() - p.outer(p)).mm(jacobian));
  return at::linalg_eigvalsh(hessian).flip(0);
}

Tensors doubled_weights(const Network& network) {
  Tensors weights;
  for (const Tensor& each : network.parameters()) weights.push_back(each.to(at::kDouble));
  return weights;
}

Tensor relative_errors(const Tensor& value, const Tensor& reference) {
  return (value - reference).norm(2, 1) / reference.norm(2, 1);
}

double largest(const Tensor& values) { return values.max().item<double>(); }

TEST_F(Dynamics, SavesTheTheoryAndTheRealAttack) {
  const auto arrays = dynamics("0.8", 15);
  const std::map<std::string, Shape> shapes{
      {"logits", {dynamics_images, classes}},      {"eigenvalues", {dynamics_images, classes - 1}},
      {"delta_real", {dynamics_images, pixels}},   {"delta_quadratic", {dynamics_images, pixels}},
      {"delta_region", {dynamics_images, pixels}}, {"gates_flipped", {dynamics_images}},
      {"quadratic_in_range", {dynamics_images}}};
  ASSERT_EQ(arrays.size(), shapes.size());
  for (const auto& [name, shape] : shapes) {
    ASSERT_TRUE(arrays.contains(name)) << name;
    ASSERT_EQ(arrays.at(name).sizes(), shape) << name;
    EXPECT_EQ(arrays.at(name).scalar_type(),
              name == "quadratic_in_range" ? at::kBool : at::kDouble);
    EXPECT_TRUE(arrays.at(name).isfinite().all().item<bool>()) << name;
  }

  const Tensors weights = doubled_weights(network());
  const Tensor x = inputs();
  const Tensor labels = dataset(dynamics_images).samples.labels;
  EXPECT_LE(largest(relative_errors(arrays.at("logits"), logits_of(weights, x))), 1e-12);
  const Tensor real = arrays.at("delta_real");
  EXPECT_LE(largest(relative_errors(real, climbed(weights, x, labels, 0.8, 15))), 1e-9);
  const Tensor eigenvalues = arrays.at("eigenvalues");
  EXPECT_GE(-largest(-eigenvalues), 0);
  EXPECT_LE(largest(eigenvalues.diff(1, 1)), 0) << "not descending";
  for (int64_t i = 0; i < 2; ++i) {
    const Tensor dense = dense_spectrum(weights, x[i]);
    const double scale = dense[0].item<double>();
    EXPECT_LE(largest((eigenvalues[i] - dense.slice(0, 0, classes - 1)).abs()), 1e-10 * scale);
    EXPECT_LE(largest(dense.slice(0, classes - 1).abs()), 1e-10 * scale);
  }

  const Network precise = network().to(at::kDouble);
  const LinearRegion region =
      linear_region(precise, {x.view({dynamics_images, 1, 28, 28}), labels});
  const Tensor exact = perturbation(precise, region, region_attack(region, 0.8, 15)).flatten(1);
  EXPECT_LE(largest(relative_errors(arrays.at("delta_region"), exact)), 1e-9);
  const QuadraticSolution solution = quadratic_attack(region, 0.8, 15);
  const Tensor quadratic = perturbation(precise, region, solution.coefficients).flatten(1);
  EXPECT_TRUE(at::equal(arrays.at("quadratic_in_range"), solution.in_range));
  EXPECT_LE(largest(relative_errors(arrays.at("delta_quadratic"), quadratic)), 1e-9);

  const Tensor flipped =
      gates_of(weights, x).ne(gates_of(weights, x + real)).to(at::kDouble).mean(1);
  EXPECT_TRUE(at::allclose(arrays.at("gates_flipped"), flipped));
  EXPECT_GT(largest(flipped), 0) << "too weak an attack for this test";
}

TEST_F(Dynamics, InsideOneRegionTheTheoryIsExact) {
  const auto arrays = dynamics("1e-4", 50);
  const Tensor inside = arrays.at("gates_flipped").eq(0).nonzero().squeeze(1);
  ASSERT_GE(inside.numel(), dynamics_images / 2);
  const Tensor real = arrays.at("delta_real").index_select(0, inside);
  EXPECT_LE(largest(relative_errors(arrays.at("delta_region").index_select(0, inside), real)),
            1e-8);
  EXPECT_LE(largest(relative_errors(arrays.at("delta_quadratic").index_select(0, inside), real)),
            1e-3);
}

TEST_F(Dynamics, TheSameCommandGivesTheSameBytes) {
  dynamics("0.5", 10);
  const std::string first = bytes_of(in_folder("dynamics.npz"));
  dynamics("0.5", 10);
  EXPECT_EQ(bytes_of(in_folder("dynamics.npz")), first);
}

void expect_finite(const nlohmann::json& json) {
  EXPECT_TRUE(!json.is_number_float() || std::isfinite(json.get<double>())) << json;
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) expect_finite(value);
}

TEST_F(Dynamics, TheSweepIsInTheDocumentedLayout) {
  const ProgramOutcome outcome =
      run_here(on_both("dynamics") + Arguments{"--limit", "32", "--steps", "10", "--json", "-"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.err.find("claim 1"), std::string::npos) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  expect_finite(json);
  for (const std::string pointer : {"/format",
                                    "/run/program",
                                    "/run/command",
                                    "/run/seed",
                                    "/run/threads",
                                    "/run/device",
                                    "/run/started",
                                    "/run/seconds",
                                    "/run/machine/processor",
                                    "/run/machine/cores",
                                    "/run/machine/memory_bytes",
                                    "/run/machine/system",
                                    "/run/libraries/libtorch",
                                    "/data/name",
                                    "/data/samples",
                                    "/data/shape",
                                    "/data/classes",
                                    "/data/class_names",
                                    "/data/checksum",
                                    "/networks/0/id",
                                    "/networks/0/title",
                                    "/networks/0/file",
                                    "/networks/0/architecture",
                                    "/networks/0/parameters",
                                    "/networks/0/training",
                                    "/networks/0/accuracy/clean/value",
                                    "/networks/0/accuracy/robust/attack",
                                    "/networks/0/dynamics/samples",
                                    "/networks/0/dynamics/steps",
                                    "/networks/0/dynamics/right",
                                    "/networks/0/dynamics/fooled",
                                    "/networks/0/dynamics/tolerance",
                                    "/networks/0/dynamics/spectrum/8/eigenvalue/median",
                                    "/networks/0/dynamics/sweep/0/relative",
                                    "/networks/0/dynamics/sweep/0/beta/median",
                                    "/networks/0/dynamics/sweep/0/leaves_box",
                                    "/networks/0/dynamics/sweep/0/outside/median",
                                    "/networks/0/dynamics/sweep/0/beta_lambda/q05",
                                    "/networks/0/dynamics/sweep/0/fooled",
                                    "/networks/0/dynamics/sweep/0/gates_flipped_share",
                                    "/networks/0/dynamics/sweep/0/gates_flipped/q95",
                                    "/networks/0/dynamics/sweep/0/norm/q25",
                                    "/networks/0/dynamics/sweep/0/error/quadratic/q75",
                                    "/networks/0/dynamics/sweep/0/cosine/segments",
                                    "/networks/0/dynamics/sweep/0/outside_range",
                                    "/networks/0/dynamics/sweep/0/top_share/region/2",
                                    "/networks/0/dynamics/sweep/0/turned",
                                    "/networks/0/dynamics/sweep/0/growth/4/measured",
                                    "/networks/0/dynamics/segments/0/error/median",
                                    "/networks/0/dynamics/segments/0/backward",
                                    "/networks/0/dynamics/examples/0/clean/base64",
                                    "/claims/0/id",
                                    "/claims/0/number",
                                    "/claims/0/title",
                                    "/claims/0/statement",
                                    "/claims/0/source",
                                    "/claims/0/verdicts/0/network",
                                    "/claims/0/verdicts/0/verdict",
                                    "/claims/0/verdicts/0/certain",
                                    "/claims/0/verdicts/0/summary",
                                    "/claims/0/verdicts/0/checks/0/what",
                                    "/claims/0/verdicts/0/checks/0/value",
                                    "/claims/0/verdicts/0/checks/0/relation",
                                    "/claims/0/verdicts/0/checks/0/threshold",
                                    "/claims/0/verdicts/0/checks/0/passed"}) {
    EXPECT_TRUE(json.contains(nlohmann::json::json_pointer(pointer))) << pointer;
  }
  EXPECT_EQ(json["data"]["samples"], 32);
  EXPECT_EQ(json["networks"][0]["id"], "model");
  EXPECT_EQ(json["networks"][0]["parameters"], 784 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10);
  double last = 0;
  for (const auto& strength : json["networks"][0]["dynamics"]["sweep"]) {
    EXPECT_GT(strength["relative"], last);
    last = strength["relative"];
  }
  EXPECT_TRUE(content(folder()).empty());
}

}  // namespace
}  // namespace reluctance
