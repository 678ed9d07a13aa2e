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

}  // namespace
}  // namespace reluctance
