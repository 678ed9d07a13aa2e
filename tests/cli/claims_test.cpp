// reluctance influence and curvature: what they save, against autograd, and what they refuse.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "reluctance/network/parameters.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

constexpr int64_t claim_images = 40;
const std::string limit = std::to_string(claim_images);

class Claims : public Cli {
 protected:
  std::map<std::string, Tensor> saved(const Arguments& arguments) const {
    const ProgramOutcome outcome =
        run_here(arguments + Arguments{"--limit", limit, "--save", "saved.npz"});
    EXPECT_TRUE(succeeded(outcome));
    return read_npz(in_folder("saved.npz"));
  }

  // The model in float64 with its parameters as autograd's leaves.
  Claims() {
    const Network precise = network().to(at::kDouble);
    for (const Tensor& parameter : precise.parameters()) {
      leaves_.push_back(parameter.clone().requires_grad_());
    }
    for (const NamedParameter& each : named_parameters(read_onnx(model()))) {
      names_.push_back(each.name);
    }
    const Dataset data = dataset(claim_images);
    x_ = data.samples.images.flatten(1).to(at::kDouble);
    labels_ = data.samples.labels;
  }

  Tensor loss_of(const Tensor& x, const Tensor& labels) const {
    Tensor y = x;
    for (std::size_t k = 0; k < leaves_.size(); k += 2) {
      if (k > 0) y = y.relu();
      y = at::linear(y, leaves_[k], leaves_[k + 1]);
    }
    return at::cross_entropy_loss(y, labels);
  }

  Tensors leaves_;
  std::vector<std::string> names_;
  Tensor x_, labels_;
};

TEST_F(Claims, GradientNormsAreAutograds) {
  const auto arrays = saved(on_both("influence") + Arguments{"--attack", "raw", "--beta", "0.5"});
  for (const std::string name : {"gradient_norm_clean", "gradient_norm_adversarial",
                                 "boost_quadratic", "boost_region", "kappa"}) {
    ASSERT_TRUE(arrays.contains(name)) << name;
    EXPECT_EQ(arrays.at(name).sizes(), at::IntArrayRef({claim_images})) << name;
  }
  for (int64_t i = 0; i < claim_images; ++i) {
    double square = 0;
    for (const Tensor& part :
         grad({loss_of(x_.slice(0, i, i + 1), labels_.slice(0, i, i + 1))}, leaves_)) {
      square += part.square().sum().item<double>();
    }
    // Autograd's 1 - p has lost what is below 1e-16 of it.
    const double expected = std::sqrt(square);
    EXPECT_NEAR(arrays.at("gradient_norm_clean")[i].item<double>(), expected,
                1e-6 * expected + 1e-10);
  }
}

TEST_F(Claims, EigenvaluesAreThoseOfAutogradsHessian) {
  const auto arrays = saved(on_both("curvature") + Arguments{"--operator", "hessian", "--top", "3",
                                                             "--tolerance", "1e-5"});
  const Tensor& values = arrays.at("eigenvalues");
  ASSERT_EQ(values.sizes(), at::IntArrayRef({3}));
  ASSERT_EQ(arrays.at("residuals").sizes(), at::IntArrayRef({3}));
  ASSERT_EQ(arrays.at("sample_share").sizes(), at::IntArrayRef({3, claim_images}));
  EXPECT_LT((arrays.at("sample_share").sum(1) - 1).abs().max().item<double>(), 1e-3);
  // Power iteration over double backward, on its own.
  const Tensors gradient = grad({loss_of(x_, labels_)}, leaves_, {}, true, true);
  Tensors v;
  at::manual_seed(1);
  for (const Tensor& leaf : leaves_) v.push_back(at::randn_like(leaf.detach()));
  double largest = 0;
  for (int iteration = 0; iteration < 300; ++iteration) {
    Tensors product = grad(gradient, leaves_, v, true);
    double square = 0;
    for (const Tensor& part : product) square += part.square().sum().item<double>();
    largest = std::sqrt(square);
    for (std::size_t k = 0; k < v.size(); ++k) v[k] = product[k] / largest;
  }
  EXPECT_NEAR(values[0].item<double>(), largest, 1e-3 * largest);
  const Tensor vectors = arrays.at("eigenvectors").to(at::kDouble);
  EXPECT_LT((at::mm(vectors, vectors.t()) - at::eye(3, at::kDouble)).abs().max().item<double>(),
            1e-4);
}

// The block of the last layer is the Hessian of its own parameters alone.
TEST_F(Claims, ABlockIsTheHessianOfItsParameters) {
  const auto arrays = saved(on_both("curvature") +
                            Arguments{"--operator", "hessian", "--top", "2", "--tolerance", "1e-5",
                                      "--json", "block.json", "--parameters", "Gemm_3"});
  const Tensors last{leaves_[2], leaves_[3]};
  const Tensor gradient = [&] {
    Tensors rows;
    for (const Tensor& part : grad({loss_of(x_, labels_)}, last, {}, true, true)) {
      rows.push_back(part.flatten());
    }
    return at::cat(rows);
  }();
  Tensors rows;
  for (int64_t k = 0; k < gradient.size(0); ++k) {
    const Tensors row = grad({gradient[k]}, last, {}, true);
    rows.push_back(at::cat({row[0].flatten(), row[1].flatten()}));
  }
  const Tensor expected = std::get<0>(at::linalg_eigh(at::stack(rows))).flip(0).slice(0, 0, 2);
  EXPECT_LT((arrays.at("eigenvalues") - expected).abs().max().item<double>(),
            1e-4 * expected.max().item<double>());
  EXPECT_EQ(arrays.at("eigenvectors").sizes(), at::IntArrayRef({2, gradient.size(0)}));
  EXPECT_LT((arrays.at("sample_share").sum(1) - 1).abs().max().item<double>(), 1e-3);
  const auto parameters = nlohmann::json::parse(bytes_of(in_folder("block.json")))["parameters"];
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters[0]["name"], names_[2]);
  EXPECT_EQ(parameters[1]["shape"], last[1].sizes().vec());
}

TEST_F(Claims, TheSmallestEigenvaluesAreNegativeAndAscend) {
  const auto arrays = saved(on_both("curvature") +
                            Arguments{"--operator", "hessian", "--top", "1", "--smallest", "2"});
  const Tensor& values = arrays.at("smallest");
  ASSERT_EQ(values.sizes(), at::IntArrayRef({2}));
  EXPECT_LT(values[0].item<double>(), values[1].item<double>());
  EXPECT_LT(values[1].item<double>(), 0);
  EXPECT_LT(-values[0].item<double>(), arrays.at("eigenvalues")[0].item<double>());
}

TEST_F(Claims, AdversarialTrainingFeelsMoreThanTheHessian) {
  const Arguments attack{"--attack", "pgd", "--norm", "l2", "--eps", "0.3"};
  const auto largest = [&](const std::string& matrix) {
    return saved(on_both("curvature") + Arguments{"--operator", matrix, "--top", "1"} + attack)
        .at("eigenvalues")[0]
        .item<double>();
  };
  const double hessian = largest("hessian");
  EXPECT_GT(largest("effective"), hessian);
  EXPECT_GT(largest("ggn"), 0.5 * hessian);
}

TEST_F(Claims, MemoryChangesNoNumber) {
  const Arguments command = on_both("curvature") + Arguments{"--operator", "ggn", "--top", "2"};
  const auto kept = saved(command);
  const auto anew = saved(command + Arguments{"--memory", "0.001"});
  EXPECT_TRUE(at::equal(kept.at("eigenvalues"), anew.at("eigenvalues")));
}

TEST_F(Claims, WholeClaimsGiveVerdicts) {
  for (const std::string command : {"influence", "curvature"}) {
    const ProgramOutcome outcome =
        run_here(on_both(command) + Arguments{"--limit", "30", "--json", "claim.json"});
    ASSERT_TRUE(succeeded(outcome));
    const auto json = nlohmann::json::parse(bytes_of(in_folder("claim.json")));
    ASSERT_EQ(json["claims"].size(), 1U);
    EXPECT_EQ(json["claims"][0]["id"], command);
    EXPECT_FALSE(json["claims"][0]["verdicts"][0]["checks"].empty());
    EXPECT_TRUE(json["networks"][0][command].is_object());
  }
}

TEST_F(Claims, DiagnosedTrainingLeavesLines) {
  const ProgramOutcome outcome =
      run_here(on_images("train") + Arguments{"--hidden", "16", "--epochs", "2", "--batch-size",
                                              "50", "--diagnose", "4", "--out", "out"});
  ASSERT_TRUE(succeeded(outcome));
  const std::string lines = bytes_of(in_folder("out/diagnosis.jsonl"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);  // 1, 2, 4, 8, 12
}

TEST_F(Claims, WhatCannotBeIsRefused) {
  const auto is_refused = [&](const Arguments& arguments, const Arguments& words) {
    EXPECT_TRUE(refused(run_here(arguments), 2, words));
  };
  is_refused(on_both("curvature") + Arguments{"--operator", "fisher"}, {"fisher", "hessian"});
  is_refused(on_both("curvature") + Arguments{"--operator", "effective"}, {"effective", "attack"});
  is_refused(on_both("curvature") + Arguments{"--operator", "effective", "--attack", "pgd",
                                              "--norm", "linf", "--limit", "4"},
             {"L-infinity", "hessian"});
  is_refused(on_both("curvature") + Arguments{"--parameters", names_[0]},
             {"--parameters has no effect", "--operator"});
  is_refused(on_both("curvature") + Arguments{"--operator", "ggn", "--parameters", names_[0] + "x"},
             {"--parameters: no parameter is named", names_[0], names_[3]});
  is_refused(on_images("influence"), {"--model"});
  is_refused(on_both("evaluate") + Arguments{"--save", "-"}, {"--save -"});
  EXPECT_TRUE(content(folder()).empty());
}

}  // namespace
}  // namespace reluctance
