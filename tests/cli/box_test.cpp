// --box: inputs that are no pixels. What comes out lies in box, budgets and fixed features exactly
// as float64 reads them, and is what the network answers wrong.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "cli/mistakes.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

constexpr int64_t rows = 80;
constexpr int64_t features = 12;

// Rows of features from -1000.1 to 2000.3, each on a scale of its own, and a perceptron for them.
class Table : public Mistakes {
 protected:
  void SetUp() override {
    at::manual_seed(8);
    const Tensor wide = at::logspace(-1, 3, features, 10, at::kDouble);
    low_ = -1.0001 * wide;
    high_ = 2.0003 * wide;
    const Tensor first = at::randn({16, features}, at::kDouble) / wide;
    const Tensor last = at::randn({5, 16}, at::kDouble);
    Network network({features});
    network.append(linear_layer(), {first.to(at::kFloat), at::zeros({16})});
    network.append(relu_layer());
    network.append(linear_layer(), {last.to(at::kFloat), at::zeros({5})});
    write_onnx(network, made_.path() / "table.onnx");
    weights_ = network.parameters();
    images_ = (low_ + at::rand({rows, features}, at::kDouble) * (high_ - low_)).to(at::kFloat);
    labels_ = answers(images_);
    write_npz(made_.path() / "table.npz", {{"images", images_}, {"labels", labels_}});
    budgets_ = 0.1003 * wide;
    fixed_ = at::arange(features).remainder(4).eq(1);
    write_npz(made_.path() / "box.npz", {{"low", low_}, {"high", high_}, {"fixed", fixed_}});
    write_npz(made_.path() / "budgets.npz",
              {{"low", low_}, {"high", high_}, {"eps", budgets_}, {"fixed", fixed_}});
  }

  std::string made(const std::string& name) const { return made_.path() / name; }
  Arguments on_table(const std::string& subcommand) const {
    return {subcommand, "--data", made("table.npz"), "--model", made("table.onnx")};
  }
  Tensor answers(const Tensor& x) const {
    return at::linear(at::linear(x, weights_[0], weights_[1]).relu(), weights_[2], weights_[3])
        .argmax(1);
  }

  // What every adversarial row promises, read by float64.
  void expect_inside(const Tensor& adversarial, const std::string& how) const {
    const Tensor exact = adversarial.to(at::kDouble);
    EXPECT_TRUE(exact.ge(low_).logical_and(exact.le(high_)).all().item<bool>()) << how;
    const Tensor same = adversarial.eq(images_).masked_select(fixed_.expand_as(images_));
    EXPECT_TRUE(same.all().item<bool>()) << how;
  }
  Tensor moved(const Tensor& adversarial) const {
    return (adversarial.to(at::kDouble) - images_.to(at::kDouble)).abs();
  }

  Tensor low_, high_, budgets_, fixed_, images_, labels_;

 private:
  const TemporaryFolder made_;
  Tensors weights_;
};

TEST_F(Table, EveryAttackKeepsToTheBudgetOfEachFeature) {
  for (const std::string attack : {"standard", "autoattack", "malt", "apgd-ce", "apgd-dlr",
                                   "apgd-t", "fab-t", "square", "pgd", "fgsm"}) {
    const ProgramOutcome outcome =
        run_here(on_table("evaluate") + Arguments{"--box", made("budgets.npz"), "--attack", attack,
                                                  "--save", "found.npz", "--json", "numbers.json"});
    ASSERT_TRUE(succeeded(outcome)) << attack;
    const auto arrays = read_npz(in_folder("found.npz"));
    const Tensor adversarial = arrays.at("adversarial");
    expect_inside(adversarial, attack);
    EXPECT_TRUE(moved(adversarial).le(budgets_).all().item<bool>()) << attack;
    const Tensor success = arrays.at("success");
    EXPECT_TRUE(at::equal(success, answers(adversarial).ne(labels_))) << attack;
    EXPECT_GT(success.sum().item<int64_t>(), 3) << attack;
    const Tensor share = (moved(adversarial) / budgets_).masked_fill(fixed_, 0).amax(1);
    EXPECT_TRUE(at::allclose(arrays.at("distance"), share)) << attack;
    const auto json = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
    const std::string words = json["attack"];
    EXPECT_NE(words.find("epsilon 1 of each feature's budget"), std::string::npos) << words;
  }
}

TEST_F(Table, OtherNormsKeepToBoxAndFixedFeatures) {
  for (const std::string norm : {"l2", "l1"}) {
    const double power = norm == "l2" ? 2 : 1;
    for (const std::string attack : {"standard", "autoattack", "square", "pgd"}) {
      ASSERT_TRUE(succeeded(run_here(
          on_table("evaluate") + Arguments{"--box", made("box.npz"), "--attack", attack, "--norm",
                                           norm, "--eps", "30.3", "--save", "found.npz"})))
          << norm << attack;
      const auto arrays = read_npz(in_folder("found.npz"));
      const Tensor adversarial = arrays.at("adversarial");
      expect_inside(adversarial, norm + attack);
      EXPECT_LE(moved(adversarial).norm(power, 1).max().item<double>(), 30.3);
      EXPECT_TRUE(at::equal(arrays.at("success"), answers(adversarial).ne(labels_)));
      EXPECT_GT(arrays.at("success").sum().item<int64_t>(), 3) << norm << attack;
    }
  }
}

TEST_F(Table, DistancesAreInBudgetsWhereFeaturesHaveTheirOwn) {
  ASSERT_TRUE(succeeded(run_here(on_table("distances") +
                                 Arguments{"--box", made("budgets.npz"), "--save", "near.npz"})));
  const auto arrays = read_npz(in_folder("near.npz"));
  const Tensor adversarial = arrays.at("adversarial");
  expect_inside(adversarial, "distances");
  const Tensor found = arrays.at("distance").isfinite();
  EXPECT_GT(found.sum().item<int64_t>(), rows / 2);
  EXPECT_TRUE(at::equal(found, answers(adversarial).ne(labels_)));
  const Tensor share = (moved(adversarial) / budgets_).masked_fill(fixed_, 0).amax(1);
  EXPECT_TRUE(at::allclose(arrays.at("distance").masked_select(found), share.masked_select(found)));
}

// Pixels said to lie from 0 to 1 are what they are without a word.
TEST_F(Table, OfPixelsChangesNothing) {
  const auto found = [&](const Arguments& more) {
    EXPECT_TRUE(succeeded(
        run_here(on_both("evaluate") +
                 Arguments{"--limit", "60", "--eps", "0.04", "--save", "found.npz"} + more)));
    return read_npz(in_folder("found.npz"));
  };
  const auto plain = found({});
  const auto boxed = found({"--box", "0,1"});
  EXPECT_TRUE(at::equal(plain.at("felled_by"), boxed.at("felled_by")));
  EXPECT_TRUE(at::allclose(plain.at("adversarial"), boxed.at("adversarial"), 0, 1e-6));
}

TEST_F(Table, IsRefusedWithWhatWouldBeRight) {
  const auto file = [&](const std::string& name, const NamedTensors& arrays) {
    write_npz(made(name), arrays);
    return made(name);
  };
  const auto with = [&](const Arguments& more) { return on_table("evaluate") + more; };
  const std::string box = made("box.npz");
  expect_refused({
      {with({}), {"table.npz", "--box"}},
      {with({"--box", "-3000,3000"}), {"--eps is missing", "--box"}},
      {with({"--box", "-1,1", "--eps", "1"}), {"table.npz", "feature", "sample 0", "outside"}},
      {with({"--box", "0"}), {"--box 0", "LOW,HIGH"}},
      {with({"--box", "2,1", "--eps", "1"}), {"--box 2,1", "feature 0", "below high"}},
      {with({"--box", made("budgets.npz"), "--eps", "1"}), {"--eps", "budgets.npz", "leave one"}},
      {with({"--box", made("budgets.npz"), "--norm", "l2"}), {"--norm l2", "linf"}},
      {with({"--box", box, "--attack", "raw"}), {"--box", "no effect", "raw"}},
      {with({"--box", box, "--eps", "1", "--scale", "2"}), {"--box", "--scale"}},
      {with({"--box", box, "--eps", "1", "--png", in_folder("p")}), {"--png", "--box"}},
      {with({"--box", file("short.npz", {{"low", low_.slice(0, 1)}, {"high", high_}}), "--eps",
             "1"}),
       {"short.npz", "low", "11", "12"}},
      {with({"--box", file("half.npz", {{"low", low_}}), "--eps", "1"}),
       {"half.npz", "low and high"}},
      {with({"--box", file("odd.npz", {{"low", low_}, {"high", high_}, {"step", low_}}), "--eps",
             "1"}),
       {"odd.npz", "step"}},
      {with(
           {"--box",
            file("still.npz", {{"low", low_}, {"high", high_}, {"fixed", at::ones({}, at::kBool)}}),
            "--eps", "1"}),
       {"still.npz", "no feature may move"}},
      {with(
           {"--box", file("minus.npz",
                          {{"low", low_}, {"high", high_}, {"eps", -at::ones({1}, at::kDouble)}})}),
       {"minus.npz", "feature 0", "budget"}},
  });
}

}  // namespace
}  // namespace reluctance
