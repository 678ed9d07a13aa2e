// What dynamics, influence and curvature leave for other programs, on a whole claim and on a part
// of it: the keys of --json, the arrays of --save.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/material.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using nlohmann::json;
using Arrays = std::map<std::string, Tensor>;
using Keys = std::set<std::string>;

constexpr int64_t file_images = 24;

Keys keys_of(const json& object) {
  Keys keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

void expect_quantiles(const json& quantiles) {
  ASSERT_EQ(keys_of(quantiles), (Keys{"q05", "q25", "median", "q75", "q95"}));
  EXPECT_LE(quantiles["q05"], quantiles["median"]);
  EXPECT_LE(quantiles["median"], quantiles["q95"]);
}

// Whether the median is one of the values or between two of them.
void expect_median_of(const Tensor& values, const json& quantiles) {
  expect_quantiles(quantiles);
  const Tensor known = values.masked_select(values.isfinite());
  const auto half = known.numel() / 2;
  const double median = quantiles["median"];
  EXPECT_GE(known.le(median * (1 + 1e-12)).sum().item<int64_t>(), half);
  EXPECT_GE(known.ge(median * (1 - 1e-12)).sum().item<int64_t>(), half);
}

class ClaimFiles : public Cli {
 protected:
  struct Files {
    json numbers;
    Arrays arrays;
  };

  // Runs the command for both: numbers alone on standard output, words on standard error.
  Files files(const std::string& command, const Arguments& more = {}) const {
    const ProgramOutcome outcome = run_here(
        on_both(command) +
        Arguments{"--limit", std::to_string(file_images), "--json", "-", "--save", "saved.npz"} +
        more);
    EXPECT_TRUE(succeeded(outcome));
    EXPECT_NE(outcome.err.find(more.empty() ? "claim" : "24 images"), std::string::npos) << outcome;
    EXPECT_EQ(content(folder()).size(), 1U);
    const json numbers = json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(numbers.is_object()) << "more than JSON on standard output: " << outcome.out;
    return {numbers, read_npz(in_folder("saved.npz"))};
  }

  // The keys of one measurement are those that say what was run, and these.
  static void expect_measurement(const json& numbers, Keys keys) {
    keys.merge(Keys{"program", "command", "seed", "threads", "device", "started", "model", "data",
                    "checksum", "samples"});
    EXPECT_EQ(keys_of(numbers), keys);
    EXPECT_EQ(numbers["samples"], file_images);
    EXPECT_EQ(numbers["seed"], 3);
    EXPECT_EQ(numbers["threads"], 1);
    EXPECT_EQ(numbers["device"], "cpu");
    EXPECT_EQ(numbers["model"], model().string());
    EXPECT_EQ(numbers["data"], images().string());
    EXPECT_EQ(numbers["checksum"], checksum(dataset(file_images)));
  }

  // The numbers are those of explain, with this claim alone.
  static const json& claim_of(const json& numbers, const std::string& claim) {
    EXPECT_EQ(numbers["format"], 2);
    EXPECT_EQ(numbers["claims"].size(), 1U);
    EXPECT_EQ(numbers["claims"][0]["id"], claim);
    EXPECT_EQ(numbers["data"]["samples"], file_images);
    for (const std::string other : {"dynamics", "influence", "curvature"}) {
      EXPECT_EQ(numbers["networks"][0][other].is_null(), other != claim) << other;
    }
    return numbers["networks"][0][claim];
  }

  static void expect_shapes(const Arrays& arrays, const std::map<std::string, Shape>& shapes,
                            const Keys& booleans = {}) {
    EXPECT_EQ(arrays.size(), shapes.size());
    for (const auto& [name, shape] : shapes) {
      ASSERT_TRUE(arrays.contains(name)) << name;
      EXPECT_EQ(arrays.at(name).sizes(), shape) << name;
      EXPECT_EQ(arrays.at(name).scalar_type(), booleans.contains(name) ? at::kBool : at::kDouble)
          << name;
    }
  }
};

TEST_F(ClaimFiles, DynamicsAtOneStrength) {
  const auto [numbers, arrays] = files("dynamics", {"--beta", "0.5", "--steps", "8"});
  expect_measurement(numbers, {"beta", "steps", "fooled", "classes_left_out", "outside_range",
                               "gates_flipped", "error"});
  EXPECT_EQ(numbers["beta"], 0.5);
  EXPECT_EQ(numbers["steps"], 8);
  EXPECT_EQ(keys_of(numbers["error"]), (Keys{"quadratic", "region"}));
  expect_shapes(arrays,
                {{"logits", {file_images, 10}},
                 {"eigenvalues", {file_images, 9}},
                 {"delta_real", {file_images, 784}},
                 {"delta_quadratic", {file_images, 784}},
                 {"delta_region", {file_images, 784}},
                 {"gates_flipped", {file_images}},
                 {"quadratic_in_range", {file_images}}},
                {"quadratic_in_range"});
  expect_median_of(arrays.at("gates_flipped"), numbers["gates_flipped"]);
  const Tensor real = arrays.at("delta_real");
  expect_median_of((arrays.at("delta_region") - real).norm(2, 1) / real.norm(2, 1),
                   numbers["error"]["region"]);
  EXPECT_EQ(numbers["outside_range"],
            arrays.at("quadratic_in_range").logical_not().sum().item<int64_t>());
  EXPECT_GT(numbers["fooled"], 0);
  EXPECT_LT(numbers["fooled"], 1);
}

TEST_F(ClaimFiles, DynamicsOverStrengths) {
  const auto [numbers, arrays] = files("dynamics");
  const json& sweep = claim_of(numbers, "dynamics")["sweep"];
  const auto strengths = static_cast<int64_t>(sweep.size());
  const Shape each{strengths, file_images};
  expect_shapes(arrays, {{"strength", {file_images}},
                         {"relative", {strengths}},
                         {"gates_flipped", each},
                         {"norm", each},
                         {"error_quadratic", each},
                         {"error_region", each},
                         {"error_segments", each},
                         {"top_share", {strengths, file_images, 3}}});
  const Tensor known = arrays.at("strength").isfinite();
  EXPECT_EQ(known.sum().item<int64_t>(), claim_of(numbers, "dynamics")["fooled"]);
  for (int64_t k = 0; k < strengths; ++k) {
    const json& at = sweep[static_cast<std::size_t>(k)];
    EXPECT_DOUBLE_EQ(arrays.at("relative")[k].item<double>(), at["relative"]);
    expect_median_of(arrays.at("strength") * arrays.at("relative")[k], at["beta"]);
    expect_median_of(arrays.at("gates_flipped")[k], at["gates_flipped"]);
    expect_median_of(arrays.at("norm")[k], at["norm"]);
    expect_median_of(arrays.at("error_region")[k], at["error"]["region"]);
    expect_median_of(arrays.at("error_segments")[k], at["error"]["segments"]);
    const Tensor outside = arrays.at("error_quadratic")[k].isnan().masked_select(known);
    EXPECT_DOUBLE_EQ(outside.to(at::kDouble).mean().item<double>(), at["outside_range"]);
  }
}

const std::vector<std::string> influence_arrays{"gradient_norm_clean", "gradient_norm_adversarial",
                                                "boost_measured",      "boost_quadratic",
                                                "boost_region",        "kappa",
                                                "confidence",          "effective_beta",
                                                "gates_flipped"};

TEST_F(ClaimFiles, InfluenceUnderOneAttack) {
  const auto [numbers, arrays] =
      files("influence", {"--attack", "pgd", "--norm", "l2", "--eps", "0.5", "--steps", "6"});
  expect_measurement(numbers, {"attack", "boost", "rank_correlation", "effective_share"});
  EXPECT_EQ(numbers["attack"], "pgd, l2, epsilon 0.5, 6 steps, step size 0.208333");
  EXPECT_EQ(keys_of(numbers["boost"]), (Keys{"measured", "region", "quadratic"}));
  EXPECT_EQ(keys_of(numbers["effective_share"]), (Keys{"clean", "adversarial"}));
  std::map<std::string, Shape> shapes;
  for (const std::string& name : influence_arrays) shapes[name] = {file_images};
  expect_shapes(arrays, shapes);
  for (const std::string kind : {"measured", "region", "quadratic"}) {
    expect_median_of(arrays.at("boost_" + kind), numbers["boost"][kind]);
  }
  for (const std::string kind : {"region", "quadratic"}) {
    EXPECT_LE(std::abs(numbers["rank_correlation"][kind].get<double>()), 1);
  }
  const Tensor weight = arrays.at("gradient_norm_clean");
  const Tensor share = weight.sum().square() / (file_images * weight.square().sum());
  EXPECT_NEAR(numbers["effective_share"]["clean"], share.item<double>(), 1e-9);
}

TEST_F(ClaimFiles, InfluenceOverAttacks) {
  const auto [numbers, arrays] = files("influence");
  const json& strengths = claim_of(numbers, "influence")["strengths"];
  const auto attacks = static_cast<int64_t>(strengths.size());
  std::map<std::string, Shape> shapes{{"attack", {attacks, 2}}};
  for (const std::string& name : influence_arrays) shapes[name] = {attacks, file_images};
  expect_shapes(arrays, shapes);
  const std::vector<std::string> groups{"raw", "l2", "linf"};
  std::set<std::string> met;
  for (int64_t k = 0; k < attacks; ++k) {
    const json& at = strengths[static_cast<std::size_t>(k)];
    const std::string kind = at["kind"];
    EXPECT_EQ(at["norm"].is_null(), kind == "raw");
    EXPECT_TRUE(kind == "raw" || kind == "pgd") << kind;
    const std::string group = kind == "raw" ? kind : at["norm"].get<std::string>();
    met.insert(group);
    const auto place = arrays.at("attack")[k][0].item<int64_t>();
    EXPECT_EQ(groups.at(static_cast<std::size_t>(place)), group);
    EXPECT_DOUBLE_EQ(arrays.at("attack")[k][1].item<double>(), at["strength"]);
    EXPECT_TRUE(at["description"].get<std::string>().starts_with(
        kind == "raw" ? "raw, beta " : "pgd, " + group + ", epsilon "));
    EXPECT_FALSE(at.contains("attack"));
    expect_median_of(arrays.at("boost_measured")[k], at["boost"]["measured"]);
    expect_median_of(arrays.at("effective_beta")[k], at["effective_beta"]);
  }
  EXPECT_EQ(met.size(), groups.size());
}

TEST_F(ClaimFiles, CurvatureOfOneOperator) {
  const Arguments attack{"--attack", "pgd", "--norm", "l2", "--eps", "0.3"};
  for (const std::string matrix : {"hessian", "effective"}) {
    const bool attacked = matrix == "effective";
    const auto [numbers, arrays] =
        files("curvature",
              Arguments{"--operator", matrix, "--top", "3"} + (attacked ? attack : Arguments{}));
    expect_measurement(
        numbers, {"operator", "attack", "loss", "eigenvalues", "residuals", "smallest", "converged",
                  "products", "smooth", "half", "parameters"});
    EXPECT_EQ(numbers["operator"], matrix);
    EXPECT_EQ(numbers["attack"].is_null(), !attacked);
    EXPECT_EQ(numbers["converged"], true);
    EXPECT_GT(numbers["products"], 3);
    EXPECT_LE(numbers["smooth"], 1);
    EXPECT_GE(numbers["smooth"], attacked ? 0 : 1);
    const int64_t parameters = network().parameter_count();
    EXPECT_EQ(arrays.at("eigenvectors").scalar_type(), at::kFloat);  // the network's type
    Arrays wide = arrays;
    wide["eigenvectors"] = arrays.at("eigenvectors").to(at::kDouble);
    expect_shapes(wide, {{"eigenvalues", {3}},
                         {"residuals", {3}},
                         {"eigenvectors", {3, parameters}},
                         {"smallest", {0}},
                         {"sample_share", {3, file_images}}});
    for (const std::size_t k : {0, 1, 2}) {
      const auto row = static_cast<int64_t>(k);
      EXPECT_DOUBLE_EQ(numbers["eigenvalues"][k], arrays.at("eigenvalues")[row].item<double>());
      EXPECT_DOUBLE_EQ(numbers["residuals"][k], arrays.at("residuals")[row].item<double>());
      const Tensor shares = arrays.at("sample_share")[row];
      EXPECT_NEAR(shares.sum().item<double>(), 1, 1e-3);
      const Tensor held = std::get<0>(shares.sort(0, /*descending=*/true)).cumsum(0);
      EXPECT_EQ(numbers["half"][k], held.lt(0.5).sum().item<int64_t>() + 1);
    }
  }
}

TEST_F(ClaimFiles, CurvatureOverTrainings) {
  const auto [numbers, arrays] = files("curvature");
  const json& claim = claim_of(numbers, "curvature");
  const json& conditions = claim["conditions"];
  const auto trainings = static_cast<int64_t>(conditions.size());
  ASSERT_GE(trainings, 2);
  expect_shapes(arrays,
                {{"radius", {trainings}},
                 {"linf", {trainings}},
                 {"eigenvalues", {trainings, 5}},
                 {"sample_share", {trainings, 5, file_images}},
                 {"smooth", {trainings, file_images}}},
                {"linf", "smooth"});
  for (int64_t m = 0; m < trainings; ++m) {
    const json& at = conditions[static_cast<std::size_t>(m)];
    EXPECT_EQ(at["kind"], m == 0 ? "vanilla" : "adversarial");
    const bool linf = arrays.at("linf")[m].item<bool>();
    EXPECT_EQ(at["norm"], m == 0 ? json(nullptr) : json(linf ? "linf" : "l2"));
    EXPECT_FALSE(at.contains("name"));
    EXPECT_EQ(at["attack"].is_null(), m == 0);
    EXPECT_DOUBLE_EQ(arrays.at("radius")[m].item<double>(), at["epsilon"]);
    EXPECT_EQ(at["epsilon"] == 0, m == 0);
    EXPECT_EQ(at["effective"].is_null(), m == 0 || linf);
    const json& felt = at[at["effective"].is_null() ? "hessian" : "effective"]["eigenvalues"];
    ASSERT_EQ(felt.size(), 5U);
    for (const std::size_t k : {0, 1, 2, 3, 4}) {
      const auto column = static_cast<int64_t>(k);
      EXPECT_DOUBLE_EQ(arrays.at("eigenvalues")[m][column].item<double>(), felt[k]);
    }
    const Tensor smooth = arrays.at("smooth")[m].to(at::kDouble).mean();
    EXPECT_DOUBLE_EQ(smooth.item<double>(), at["smooth"]);
  }
  for (const json& rate : claim["rates"]) {
    EXPECT_EQ(rate["kind"], rate["epsilon"] == 0 ? "vanilla" : "adversarial");
    EXPECT_EQ(rate["norm"].is_null(), rate["epsilon"] == 0);
    EXPECT_EQ(rate["width"] > 0, rate["norm"] == "linf");
    EXPECT_FALSE(rate.contains("name"));
  }
}

// No image is left to attack: nothing can be said, and that is said.
TEST_F(ClaimFiles, OfANetworkThatIsNeverRight) {
  const Tensor asked = dataset(file_images).samples.images;
  const Tensor wrong = (logits(network(), asked).argmax(1) + 1) % 10;
  write_npz(in_folder("wrong.npz"), {{"images", asked}, {"labels", wrong}});
  for (const std::string command : {"dynamics", "influence"}) {
    const ProgramOutcome outcome =
        run_here({command, "--data", "wrong.npz", "--model", model(), "--json", "numbers.json"});
    ASSERT_TRUE(succeeded(outcome)) << command;
    const json numbers = json::parse(bytes_of(in_folder("numbers.json")));
    EXPECT_EQ(numbers["networks"][0]["accuracy"]["clean"]["value"], 0);
    EXPECT_EQ(numbers["claims"][0]["verdicts"][0]["verdict"], "cannot be tested") << command;
  }
}

}  // namespace
}  // namespace reluctance
