// reluctance evaluate: what it saves and prints, against the network asked by plain matrix
// products.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/material.hpp"
#include "cli/mistakes.hpp"
#include "reluctance/network/normalisation.hpp"

namespace reluctance {
namespace {

constexpr int64_t count = 40;

struct Case {
  std::string name;
  Arguments arguments;
  double linf = 0;  // radii that the perturbation stays within; 0: none
  double l2 = 0;
  bool box = true;
  std::size_t stages = 1;  // more: an ensemble
  double l1 = 0;
};

void PrintTo(const Case& each, std::ostream* stream) { *stream << each.name; }

// Logits of linear layers with ReLU between them.
Tensor asked_again(const Network& network, const Tensor& images) {
  const Tensors weights = network.parameters();
  Tensor x = images.flatten(1);
  for (std::size_t k = 0; k < weights.size(); k += 2) {
    if (k > 0) x = x.relu();
    x = at::linear(x, weights[k], weights[k + 1]);
  }
  return x;
}

class Evaluate : public Cli, public ::testing::WithParamInterface<Case> {
 protected:
  ProgramOutcome evaluate(const Arguments& more) const {
    return run_here(on_both("evaluate") + Arguments{"--limit", std::to_string(count)} + more);
  }
};

TEST_P(Evaluate, SavesWhatItPrints) {
  const Case& each = GetParam();
  const ProgramOutcome outcome =
      evaluate(each.arguments + Arguments{"--save", "adversarial.npz", "--json", "numbers.json"});
  ASSERT_TRUE(succeeded(outcome));
  // A slow machine is told how far an ensemble is.
  if (each.stages == 1) {
    EXPECT_EQ(outcome.err, "");
  }
  const auto arrays = read_npz(in_folder("adversarial.npz"));
  ASSERT_EQ(arrays.size(), 7U);
  EXPECT_TRUE(at::equal(arrays.at("index"), at::arange(count)));
  const Tensor adversarial = arrays.at("adversarial");
  const Tensor success = arrays.at("success");
  const Dataset data = dataset(count);
  ASSERT_EQ(adversarial.sizes(), data.samples.images.sizes());
  ASSERT_EQ(adversarial.scalar_type(), at::kFloat);
  ASSERT_EQ(success.sizes(), data.samples.labels.sizes());
  ASSERT_EQ(success.scalar_type(), at::kBool);

  const Tensor delta =
      (adversarial.to(at::kDouble) - data.samples.images.to(at::kDouble)).flatten(1);
  if (each.linf > 0) {
    EXPECT_LE(delta.abs().max().item<double>(), each.linf);
  }
  if (each.l2 > 0) {
    EXPECT_LE(delta.norm(2, 1).max().item<double>(), each.l2);
  }
  if (each.l1 > 0) {
    EXPECT_LE(delta.norm(1, 1).max().item<double>(), each.l1);
  }
  if (each.box) {
    EXPECT_GE(adversarial.min().item<double>(), 0);
    EXPECT_LE(adversarial.max().item<double>(), 1);
  }
  EXPECT_TRUE(
      at::equal(success, asked_again(network(), adversarial).argmax(1).ne(data.samples.labels)));
  const Tensor wrong =
      asked_again(network(), data.samples.images).argmax(1).ne(data.samples.labels);
  EXPECT_TRUE(success.masked_select(wrong).all().item<bool>());
  EXPECT_EQ(delta.index({wrong}).abs().sum().item<double>(), 0)
      << "attacked what was wrong already";
  EXPECT_GT(success.logical_and(wrong.logical_not()).sum().item<int64_t>(), 0) << "nothing fooled";

  const double clean = 1 - wrong.to(at::kDouble).mean().item<double>();
  const double robust = 1 - success.to(at::kDouble).mean().item<double>();
  const auto json = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
  EXPECT_DOUBLE_EQ(json["clean"]["value"], clean);
  EXPECT_DOUBLE_EQ(json["robust"]["value"], robust);
  EXPECT_EQ(json["robust"]["samples"], count);
  EXPECT_EQ(json["checksum"], checksum(data));
  ASSERT_EQ(json["stages"].size(), each.stages);
  EXPECT_EQ(json["stages"].back()["robust"], json["robust"]);
  EXPECT_FALSE(std::filesystem::exists(in_folder("adversarial.npz.checkpoint")));
  const Tensor felled_by = arrays.at("felled_by");
  EXPECT_TRUE(at::equal(felled_by.eq(-2), wrong));
  EXPECT_TRUE(at::equal(felled_by.ne(-1), success));
  EXPECT_FALSE(arrays.at("target").eq(data.samples.labels).any().item<bool>());
  const Tensor norms = each.l1 > 0   ? delta.norm(1, 1)
                       : each.l2 > 0 ? delta.norm(2, 1)
                                     : delta.abs().amax(1);
  EXPECT_TRUE(at::allclose(arrays.at("distance").to(at::kDouble), norms, 1e-4, 1e-6));
  EXPECT_TRUE(at::allclose(arrays.at("logits"), asked_again(network(), adversarial), 1e-4, 1e-4));
  double printed_clean = -1;
  double printed_robust = -1;
  const std::size_t line = outcome.out.find("robust accuracy");
  ASSERT_NE(line, std::string::npos) << outcome;
  EXPECT_EQ(std::sscanf(outcome.out.c_str(), "clean accuracy %lf", &printed_clean), 1);
  EXPECT_EQ(std::sscanf(outcome.out.c_str() + line, "robust accuracy %lf", &printed_robust), 1);
  EXPECT_NEAR(printed_clean, 100 * clean, 0.005001);
  EXPECT_NEAR(printed_robust, 100 * robust, 0.005001);
}

INSTANTIATE_TEST_SUITE_P(
    Attacks, Evaluate,
    ::testing::Values(
        Case{"pgd in linf", {"--attack", "pgd", "--eps", "0.03", "--steps", "5"}, 0.03, 0, true},
        Case{"pgd in l2",
             {"--attack", "pgd", "--norm", "l2", "--eps", "0.8", "--steps", "6", "--step-size",
              "0.4", "--restarts", "2"},
             0,
             0.8,
             true},
        Case{"pgd in l1", {"--attack", "pgd", "--norm", "l1", "--eps", "5"}, 0, 0, true, 1, 5},
        Case{"pgd on the margin",
             {"--attack", "pgd", "--eps", "0.03", "--steps", "5", "--loss", "margin"},
             0.03,
             0,
             true},
        Case{"fgsm", {"--attack", "fgsm", "--eps", "0.03"}, 0.03, 0, true},
        Case{"raw", {"--attack", "raw", "--beta", "2", "--steps", "5"}, 0, 0, false},
        Case{"standard", {"--eps", "0.03"}, 0.03, 0, true, 9},
        Case{"malt", {"--attack", "malt", "--eps", "0.03"}, 0.03, 0, true},
        Case{"one of the published ones",
             {"--attack", "apgd-t", "--eps", "0.03", "--steps", "5", "--restarts", "2"},
             0.03,
             0,
             true},
        Case{"autoattack",
             {"--attack", "autoattack", "--norm", "l2", "--eps", "0.8"},
             0,
             0.8,
             true,
             4},
        Case{"standard in l1", {"--norm", "l1", "--eps", "8", "--audit", "100"}, 0, 0, true, 8, 8},
        Case{"autoattack in l1",
             {"--attack", "autoattack", "--norm", "l1", "--eps", "8"},
             0,
             0,
             true,
             4,
             8}));

TEST_F(Evaluate, TheLossThatIsClimbedIsSaid) {
  const auto attack_on = [&](const std::string& loss) {
    const ProgramOutcome outcome =
        evaluate({"--attack", "pgd", "--eps", "0.03", "--steps", "5", "--loss", loss, "--json",
                  "numbers.json", "--save", loss + ".npz"});
    EXPECT_TRUE(succeeded(outcome));
    const auto attack =
        nlohmann::json::parse(bytes_of(in_folder("numbers.json")))["attack"].get<std::string>();
    EXPECT_NE(outcome.out.find("  " + attack + "\n"), std::string::npos) << outcome;
    return attack;
  };
  const std::string usual = attack_on("cross-entropy");
  EXPECT_EQ(usual, "pgd, linf, epsilon 0.03, 5 steps, step size 0.015, random start");
  for (const std::string loss : {"squared-error", "margin", "dlr"}) {
    const std::string attack = attack_on(loss);
    EXPECT_NE(attack, usual);
    EXPECT_NE(attack.find("loss " + loss), std::string::npos) << attack;
    EXPECT_NE(bytes_of(in_folder(loss + ".npz")), bytes_of(in_folder("cross-entropy.npz")));
  }
}

TEST_F(Evaluate, TowardsAClassOnlyThatAnswerCounts) {
  constexpr int64_t target = 2;
  const Dataset data = dataset(count);
  const Tensor others = data.samples.labels.ne(target).nonzero().squeeze(1);
  const Tensor clean = asked_again(network(), data.samples.images.index_select(0, others));
  for (const std::string attack : {"pgd", "apgd-t", "apgd-ce", "fab-t", "square"}) {
    const ProgramOutcome outcome =
        evaluate({"--attack", attack, "--eps", "0.1", "--steps", "20", "--target", "2", "--save",
                  "a.npz", "--json", "numbers.json"});
    ASSERT_TRUE(succeeded(outcome));
    const auto left_out = std::to_string(count - others.size(0));
    EXPECT_NE(outcome.err.find("left out " + left_out + " images"), std::string::npos) << outcome;
    const auto arrays = read_npz(in_folder("a.npz"));
    EXPECT_TRUE(at::equal(arrays.at("index"), others));
    const Tensor answers = asked_again(network(), arrays.at("adversarial")).argmax(1);
    EXPECT_TRUE(at::equal(arrays.at("success"), answers.eq(target)));
    EXPECT_TRUE(at::equal(arrays.at("felled_by").eq(-2), clean.argmax(1).eq(target)));
    const double rate = answers.eq(target).to(at::kDouble).mean().item<double>();
    EXPECT_GT(rate, 0.2) << attack;
    const auto json = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
    EXPECT_DOUBLE_EQ(json["success"]["value"], rate);
    EXPECT_DOUBLE_EQ(json["robust"]["value"], 1 - rate);
    EXPECT_EQ(json["target"], target);
    const Tensor labels = data.samples.labels.index_select(0, others);
    EXPECT_DOUBLE_EQ(json["clean"]["value"],
                     clean.argmax(1).eq(labels).to(at::kDouble).mean().item<double>());
    EXPECT_EQ(json["attack"].get<std::string>().find(attack), 0U);
    EXPECT_NE(json["attack"].get<std::string>().find(", target 2"), std::string::npos);
    double printed = -1;
    const std::size_t line = outcome.out.find("success rate");
    ASSERT_NE(line, std::string::npos) << outcome;
    EXPECT_EQ(std::sscanf(outcome.out.c_str() + line, "success rate %lf", &printed), 1);
    EXPECT_NEAR(printed, 100 * rate, 0.005001);
  }
}

TEST_F(Evaluate, TheSameCommandGivesTheSameBytes) {
  for (const std::string name : {"one.npz", "two.npz"}) {
    ASSERT_TRUE(succeeded(evaluate({"--threads", "2", "--seed", "4", "--save", name})));
  }
  EXPECT_EQ(bytes_of(in_folder("one.npz")), bytes_of(in_folder("two.npz")));
  ASSERT_TRUE(succeeded(evaluate({"--threads", "2", "--seed", "5", "--save", "3.npz"})));
  EXPECT_NE(bytes_of(in_folder("one.npz")), bytes_of(in_folder("3.npz")))
      << "the seed has no effect";
}

// A network that wants (x - 0.3) / 0.25 is attacked in pixels like the one it is made of.
TEST_F(Evaluate, NormalisedImagesAreMadeOfPixels) {
  write_onnx(normalised(network(), {{-0.3 / 0.25}, {1 / 0.25}}), in_folder("normalised.onnx"));
  const Arguments there =
      on_images("evaluate") +
      Arguments{"--limit", std::to_string(count), "--model", "normalised.onnx", "--json", "-"};
  const auto robust = [](const ProgramOutcome& outcome) {
    const auto numbers = nlohmann::json::parse(outcome.out);
    return std::pair{numbers["clean"]["value"].get<double>(),
                     numbers["robust"]["value"].get<double>()};
  };
  const auto wanted = robust(evaluate({"--json", "-"}));
  EXPECT_EQ(robust(run_here(there + Arguments{"--mean", "0.3", "--std", "1/4"})), wanted);
  EXPECT_NE(robust(run_here(there)), wanted);
  for (const auto& [option, value, words] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"--mean", "0.1,0.2", "normalised.onnx: --mean has 2 numbers"},
           {"--std", "0", "--std"},
           {"--mean", "nan", "--mean"}}) {
    const ProgramOutcome outcome = run_here(there + Arguments{option, value});
    EXPECT_TRUE(refused(outcome, 2, {words})) << outcome;
  }
  EXPECT_TRUE(refused(run_here({"train", "--mean", "0.5"}), 2, {"--mean", "--model"}));
}

TEST_F(Evaluate, PicturesShowImageAndAdversarialExample) {
  ASSERT_TRUE(succeeded(evaluate({"--eps", "0.1", "--png", "pictures", "--save", "a.npz"})));
  const Tensor fell = read_npz(in_folder("a.npz")).at("felled_by").ge(0).nonzero().squeeze(1);
  ASSERT_GT(fell.size(0), 0);
  int64_t pictures = 0;
  for (const auto& file : std::filesystem::directory_iterator(in_folder("pictures"))) {
    EXPECT_TRUE(fell.eq(std::stol(file.path().stem())).any().item<bool>()) << file.path();
    EXPECT_EQ(bytes_of(file.path()).substr(1, 3), "PNG");
    ++pictures;
  }
  EXPECT_EQ(pictures, std::min<int64_t>(fell.size(0), 100));
}

TEST_F(Evaluate, ResumesOnlyBesideASavedFile) {
  const ProgramOutcome outcome = evaluate({"--resume"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("--save"), std::string::npos);
  const ProgramOutcome fresh = evaluate({"--resume", "--save", "a.npz"});
  ASSERT_TRUE(succeeded(fresh));
  EXPECT_NE(fresh.err.find("a.npz.checkpoint: no such file"), std::string::npos);
}

TEST_F(Evaluate, GoesOnAfterAnInterruptToTheSameBytes) {
  const Arguments whole =
      on_both("evaluate") + Arguments{"--attack", "autoattack", "--limit", "60", "--threads", "1"};
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(succeeded(run(whole + Arguments{"--save", "whole.npz"}, {folder()})));
  const auto duration = std::chrono::steady_clock::now() - begin;
  // How much of it starting and the checks at the end take depends on the machine.
  for (int tenths : {5, 6, 4, 7, 3, 8, 2, 9, 1}) {
    Program first(whole + Arguments{"--save", "stopped.npz"}, {folder()});
    std::this_thread::sleep_for(duration * tenths / 10);
    first.send(SIGINT);
    const ProgramOutcome outcome = first.wait();
    if (outcome.code != 130 || !std::filesystem::exists(in_folder("stopped.npz.checkpoint"))) {
      continue;
    }
    EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome;
    const ProgramOutcome other =
        run(whole + Arguments{"--save", "stopped.npz", "--resume", "--seed", "1"}, {folder()});
    EXPECT_EQ(other.code, 2);
    EXPECT_NE(other.err.find("seed"), std::string::npos) << other;
    ASSERT_TRUE(succeeded(run(whole + Arguments{"--save", "stopped.npz", "--resume"}, {folder()})));
    EXPECT_EQ(bytes_of(in_folder("stopped.npz")), bytes_of(in_folder("whole.npz")));
    EXPECT_FALSE(std::filesystem::exists(in_folder("stopped.npz.checkpoint")));
    return;
  }
  FAIL() << "every evaluation ended before it could be stopped, or was not yet begun";
}

TEST_F(Evaluate, AMistypedAttackIsUnderstood) {
  const ProgramOutcome outcome = evaluate({"--attack", "standart"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("did you mean standard?"), std::string::npos) << outcome;
}

TEST_F(Evaluate, WarningsArePrintedAndWritten) {
  // Every label is wrong: nothing is better than chance.
  const Dataset data = dataset(count);
  write_npz(in_folder("wrong.npz"),
            {{"images", data.samples.images}, {"labels", (data.samples.labels + 1) % 10}});
  const ProgramOutcome outcome =
      run_here({"evaluate", "--data", "wrong.npz", "--model", model(), "--json", "numbers.json"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.out.find("warning (clean-accuracy)"), std::string::npos) << outcome;
  const auto json = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
  ASSERT_EQ(json["warnings"].size(), 1U);
  EXPECT_EQ(json["warnings"][0]["name"], "clean-accuracy");
}

TEST_F(Evaluate, NumbersOnStandardOutputAreAloneThere) {
  const ProgramOutcome outcome = evaluate({"--attack", "fgsm", "--json", "-"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["clean"]["samples"], count);
  EXPECT_NE(outcome.err.find("robust accuracy"), std::string::npos);
}

TEST_F(Evaluate, MissingFoldersOfSavedFilesAreCreated) {
  ASSERT_TRUE(succeeded(evaluate(
      {"--attack", "fgsm", "--save", "new folder/deep/a.npz", "--json", "other/numbers.json"})));
  EXPECT_EQ(read_npz(in_folder("new folder/deep/a.npz")).size(), 7U);
  EXPECT_TRUE(std::filesystem::exists(in_folder("other/numbers.json")));
}

}  // namespace
}  // namespace reluctance
