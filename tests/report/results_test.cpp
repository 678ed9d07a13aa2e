// results.json, where it takes what a file says.
#include "reluctance/report/results.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/watched_results.hpp"

namespace reluctance {
namespace {

// Indentation would make gigabytes of such a line, and the stack would overflow.
TEST(Results, WhatLiesTooDeepInADiagnosisIsLeftOut) {
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  const std::string text =
      results_json(watched_results("{\"step\":1,\"deep\":" + deep + "}\n{\"step\":2}\n"));
  const auto results = nlohmann::json::parse(text);
  const auto& diagnosis = results["networks"][0]["training"]["diagnosis"];
  ASSERT_EQ(diagnosis.size(), 2U);
  EXPECT_EQ(diagnosis[0]["step"], 1);
  EXPECT_EQ(diagnosis[1]["step"], 2);
  EXPECT_LT(text.size(), 10000U);
}

// An end of the interval on the other side of the threshold: the check says so, and with it the
// claim.
TEST(Results, AVerdictThatMightHaveBeenAnotherIsToldAsUncertain) {
  const auto told = [](double low) {
    Results results = watched_results("");
    InfluenceResult& influence = results.networks[0].influence.emplace();
    influence.outcome = {
        Verdict::holds,
        "Summary",
        {{"correlation", 0.9, Check::Relation::at_least, 0.8, Interval{0.9, low, 0.95}}}};
    return results_text(results);
  };
  const auto has = [](const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
  };
  const std::string open = told(0.7);
  EXPECT_TRUE(has(open, "claim 2 holds, within the uncertainty. Summary")) << open;
  EXPECT_TRUE(has(open, ">= 0.8, within the uncertainty")) << open;
  const std::string sure = told(0.85);
  EXPECT_TRUE(has(sure, "claim 2 holds. Summary")) << sure;
  EXPECT_FALSE(has(sure, "uncertainty")) << sure;
}

}  // namespace
}  // namespace reluctance
