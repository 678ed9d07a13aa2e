// Every earlier finding on small made-up images: it runs, and says what it measured.
#include "reluctance/claims/findings.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "claims/trained_network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/claims/paper.hpp"

namespace reluctance {
namespace {

FindingSetting small_setting() {
  const TrainedSetting trained;
  FindingSetting setting;
  setting.network = trained.network;
  setting.training = trained.samples.head(80);
  setting.held_out = trained.samples.slice(80, TrainedSetting::count);
  setting.classes = 6;
  setting.samples = 40;
  setting.repetitions = 2;
  return setting;
}

TEST(Findings, HaveNamesSourcesPredictionsAndResultsThatExplainThem) {
  std::set<std::string> names, numbers;
  for (const PaperStatement& each : paper_statements()) numbers.insert(each.number);
  for (const EarlierFinding& each : earlier_findings()) {
    names.insert(each.name);
    EXPECT_FALSE(each.title.empty() || each.source.empty() || each.prediction.empty() ||
                 each.experiment.empty() || each.expected.empty())
        << each.name;
    EXPECT_EQ(&earlier_finding(each.name), &each);
    EXPECT_FALSE(each.explained_by.empty()) << each.name;
    for (const std::string& result : each.explained_by) {
      EXPECT_TRUE(numbers.contains(result)) << each.name << ": " << result;
    }
  }
  EXPECT_EQ(names.size(), 14U);
  EXPECT_EQ(earlier_findings().size(), 14U);
}

TEST(Findings, AnUnknownNameIsAnsweredWithTheNearest) {
  try {
    earlier_finding("few-direction");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean few-directions?"), std::string::npos);
  }
}

TEST(Findings, EachComesToAVerdict) {
  std::vector<const EarlierFinding*> all;
  for (const EarlierFinding& each : earlier_findings()) all.push_back(&each);
  std::vector<std::string> begun;
  const std::vector<FindingResult> results = test_findings(
      all, small_setting(), [&](const EarlierFinding& each) { begun.push_back(each.name); });
  ASSERT_EQ(results.size(), all.size());
  EXPECT_EQ(begun.size(), all.size());
  for (const FindingResult& each : results) {
    EXPECT_EQ(each.outcome.verdict, verdict_of(each.outcome.checks)) << each.finding->name;
    EXPECT_FALSE(each.outcome.summary.empty()) << each.finding->name;
    for (const Check& check : each.outcome.checks) {
      ASSERT_TRUE(check.interval) << check.what;
      EXPECT_TRUE(std::isfinite(check.value)) << check.what;
      EXPECT_LE(check.interval->low, check.interval->high) << check.what;
    }
  }
}

// The closed form of logistic regression shares no code with the effective curvature.
TEST(Findings, LogisticRegressionMeetsItsClosedForm) {
  const auto results = test_findings({&earlier_finding("logistic-regression")}, small_setting());
  const std::vector<Check>& checks = results[0].outcome.checks;
  ASSERT_EQ(checks.size(), 3U);
  EXPECT_LT(checks[2].value, 1e-4);
  EXPECT_GE(checks[0].value, 1);
}

TEST(Findings, TheSameSeedGivesTheSameNumbers) {
  const auto once = [] {
    return test_findings({&earlier_finding("flatter-input")}, small_setting())[0].outcome;
  };
  const Outcome first = once();
  const Outcome second = once();
  ASSERT_FALSE(first.checks.empty());
  ASSERT_EQ(first.checks.size(), second.checks.size());
  for (std::size_t k = 0; k < first.checks.size(); ++k) {
    EXPECT_EQ(first.checks[k].value, second.checks[k].value);
  }
}

TEST(Findings, ANetworkThatAnswersOneClassCannotBeTested) {
  FindingSetting setting = small_setting();
  Tensors zeros;
  for (const Tensor& parameter : setting.network->parameters()) {
    zeros.push_back(at::zeros_like(parameter));
  }
  setting.network = setting.network->clone();
  setting.network->set_parameters(zeros);
  const auto results = test_findings({&earlier_finding("few-directions")}, setting);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::cannot_be_tested);
}

}  // namespace
}  // namespace reluctance
