// The statements of the paper, on networks for which it is known how they come out.
#include "reluctance/claims/paper.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error_of.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

std::map<std::string, PaperResult> by_name(const PaperResults& all) {
  std::map<std::string, PaperResult> named;
  for (const PaperResult& each : all.results) named.emplace(each.statement->name, each);
  return named;
}

TEST(Paper, HasEveryNumberedResultOnce) {
  std::set<std::string> numbers;
  for (const PaperStatement& each : paper_statements()) {
    EXPECT_TRUE(numbers.insert(each.number).second) << each.number;
    for (const std::string& text :
         {each.name, each.title, each.statement, each.statistic, each.exact}) {
      EXPECT_FALSE(text.empty()) << each.name;
    }
  }
  EXPECT_EQ(numbers, (std::set<std::string>{"Assumption 1", "Assumption 2", "Lemma 1", "Theorem 1",
                                            "Theorem 2", "Corollary 1", "Theorem 3", "Theorem 4",
                                            "Theorem 5", "Theorem 6"}));
}

// A linear network of two classes has one region and one scalar, however sure it is: what needs no
// more holds.
TEST(Paper, HoldsOnALinearNetworkOfTwoClasses) {
  for (const double confidence : {1.0, 400.0}) {
    at::manual_seed(2);
    Network network(Shape{8});
    Tensors weights = random_weights({2, 8});
    for (Tensor& each : weights) each = each * confidence;
    network.append(linear_layer(), weights);
    const Tensor x = at::randn({60, 8}, at::kDouble);
    const Tensor z = logits(network, x);
    const PaperResults found = test_paper(network, {x, z.argmax(1)}, {30, 30});
    EXPECT_GE(found.samples, 25);  // some are too sure to be fooled
    const auto results = by_name(found);
    for (const std::string name : {"assumption-1", "assumption-2", "lemma-1", "theorem-1"}) {
      EXPECT_EQ(results.at(name).found.outcome.verdict, Verdict::holds)
          << confidence << " " << name << ": " << results.at(name).found.outcome.summary;
    }
    for (const auto& [name, result] : results) {
      EXPECT_FALSE(result.found.chart.series.empty()) << name;
    }
  }
}

// In one region the theory of a step is exact, whatever the loss and however strong the attack.
TEST(Paper, StepsOnALinearNetworkAreAsPredicted) {
  at::manual_seed(2);
  Network network(Shape{8});
  network.append(linear_layer(), random_weights({4, 8}));
  // Outputs near to unit vectors, as squared error wants them.
  const Tensors parameters = network.parameters();
  const Tensor wanted = at::eye(4, at::kDouble).repeat({10, 1});
  const Tensor near = wanted + 0.2 * at::randn({40, 4}, at::kDouble);
  const Tensor x = at::mm(near - parameters[1], at::pinverse(parameters[0]).t());
  const auto results = by_name(test_paper(network, {x, wanted.argmax(1)}, {20, 30}));
  const std::vector<Check>& checks = results.at("theorem-3").found.outcome.checks;
  int asked = 0;
  for (const Check& each : checks) {
    if (each.what.starts_with("kappa where attack and step are of squared error")) {
      EXPECT_LT(each.value, 1e-3);
      ++asked;
    } else if (each.what.starts_with("cosine")) {
      EXPECT_GT(each.value, 1 - 1e-9);
      ++asked;
    }
  }
  EXPECT_EQ(asked, 2);
}

TEST(Paper, OfOneImageIsNeverCertain) {
  at::manual_seed(2);
  Network network(Shape{8});
  network.append(linear_layer(), random_weights({3, 8}));
  const Tensor x = at::randn({2, 8}, at::kDouble);
  for (const PaperResult& each :
       test_paper(network, {x, logits(network, x).argmax(1)}, {1, 10}).results) {
    EXPECT_FALSE(each.certain) << each.statement->name;
  }
}

TEST(Paper, NeedsParameters) {
  Network network(Shape{3});
  network.append(relu_layer());
  EXPECT_NE(error_of([&] {
              test_paper(network, {at::rand({4, 3}), at::zeros({4}, at::kLong)}, {});
            }).find("no parameters"),
            std::string::npos);
}

TEST(Paper, CannotBeTestedWhereNothingIsFooled) {
  Network network(Shape{4});
  network.append(linear_layer(),
                 {at::zeros({3, 4}, at::kDouble), at::tensor({1.0, 0.0, 0.0}, at::kDouble)});
  const PaperResults found =
      test_paper(network, {at::rand({5, 4}, at::kDouble), at::zeros({5}, at::kLong)}, {});
  EXPECT_EQ(found.samples, 0);
  ASSERT_EQ(found.results.size(), paper_statements().size());
  for (const PaperResult& each : found.results) {
    EXPECT_EQ(each.found.outcome.verdict, Verdict::cannot_be_tested);
  }
}

TEST(Paper, IsTheSameAgain) {
  at::manual_seed(5);
  const NamedNetwork named = networks_in_double().at(2);
  const Tensor x = random_input(named.network, 12);
  const Samples samples(x, logits(named.network, x).argmax(1));
  const PaperResults a = test_paper(named.network, samples, {6, 10});
  const PaperResults b = test_paper(named.network, samples, {6, 10});
  for (std::size_t k = 0; k < a.results.size(); ++k) {
    EXPECT_EQ(a.results[k].found.outcome.summary, b.results[k].found.outcome.summary);
  }
}

}  // namespace
}  // namespace reluctance
