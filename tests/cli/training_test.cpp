// reluctance train: its files, and going on after a stop as if there had been none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/material.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

const Arguments small_training{"--hidden", "16", "--batch-size", "20", "--epochs", "2"};

class Training : public Cli {
 protected:
  ProgramOutcome train(const std::string& out, const Arguments& more = {}) const {
    return run_here(on_images("train") + Arguments{"--out", out} + small_training + more);
  }

  // Ends a running training with the signal once its folder shows a finished epoch. False if the
  // training was faster.
  bool stop(Program& program, const std::string& out, int signal) const {
    const fs::path metrics = in_folder(out) / "metrics.jsonl";
    const std::string before = fs::exists(metrics) ? bytes_of(metrics) : "";
    while (program.listen(milliseconds(2))) {
      if (!fs::exists(metrics) || bytes_of(metrics) == before) continue;
      program.send(signal);
      break;
    }
    const ProgramOutcome outcome = program.wait();
    if (outcome.code == 0) return false;
    EXPECT_EQ(outcome.code, 130) << outcome;
    EXPECT_NE(outcome.err.find((fs::path(out) / "checkpoint.npz").string()), std::string::npos);
    EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome;
    return true;
  }

  // A training on this loss, twice stopped and resumed, leaves the files of one that never was.
  void expect_going_on(const std::string& loss) const {
    // A faster machine may end before it is asked to stop: then the training is made longer.
    for (const std::string epochs : {"8", "32", "128", "512"}) {
      const Arguments slow{"--attack", "pgd",  "--steps", "20",     "--epochs",
                           epochs,     "--lr", "0.002",   "--loss", loss};
      const Arguments options =
          Arguments{"train", "--data", images(), "--hidden", "64", "--batch-size", "20"} + slow +
          one_thread;
      const std::string out = "stopped-" + epochs;
      Program first(options + Arguments{"--out", out}, {folder()});
      if (!stop(first, out, SIGINT)) continue;
      EXPECT_EQ(content(in_folder(out)).size(), 3U);
      read_onnx(in_folder(out) / "model.onnx");
      Program second(options + Arguments{"--out", out, "--resume"}, {folder()});
      if (!stop(second, out, SIGTERM)) continue;
      const ProgramOutcome last = run(options + Arguments{"--out", out, "--resume"}, {folder()});
      ASSERT_TRUE(succeeded(last));
      EXPECT_NE(last.err.find("going on from step "), std::string::npos) << last;
      ASSERT_TRUE(succeeded(run(options + Arguments{"--out", "whole"}, {folder()})));
      EXPECT_EQ(content(in_folder(out)), content(in_folder("whole")));
      return;
    }
    FAIL() << "every training ended before it could be stopped";
  }
};

TEST_F(Training, WritesModelMetricsAndCheckpoint) {
  const ProgramOutcome outcome = train("out", {"--json", "numbers.jsonl"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_EQ(outcome.err, "");
  const auto files = content(in_folder("out"));
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(nlohmann::json::parse(files.at("training.json"))["epochs"], 2);
  ASSERT_TRUE(files.contains("checkpoint.npz"));
  const std::string metrics = files.at("metrics.jsonl");
  EXPECT_EQ(outcome.out, "out/model.onnx\n" + metrics);
  EXPECT_EQ(bytes_of(in_folder("numbers.jsonl")), metrics);
  std::istringstream lines(metrics);
  std::string line;
  for (int epoch = 1; epoch <= 2; ++epoch) {
    ASSERT_TRUE(std::getline(lines, line));
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["epoch"], epoch);
    EXPECT_EQ(json["step"], 15 * epoch);
    EXPECT_GT(json["loss"], 0);
  }
  const Network network = read_onnx(in_folder("out/model.onnx")).network;
  EXPECT_EQ(network.inputs(), 784);
  EXPECT_EQ(network.classes(), 10);
}

TEST_F(Training, OnTheFirstImagesIsATrainingOnAFileOfThem) {
  ASSERT_TRUE(succeeded(train("limited", {"--limit", "60"})));
  const Dataset some = dataset(60);
  write_npz(in_folder("some.npz"),
            {{"images", some.samples.images}, {"labels", some.samples.labels}});
  ASSERT_TRUE(succeeded(
      run_here(Arguments{"train", "--data", "some.npz", "--out", "of-them"} + small_training)));
  EXPECT_EQ(bytes_of(in_folder("limited/model.onnx")), bytes_of(in_folder("of-them/model.onnx")));
  EXPECT_TRUE(refused(train("none", {"--limit", "-1"}), 2, {"--limit"}));
}

TEST_F(Training, TheSameCommandGivesTheSameBytes) {
  const Arguments adversarial{"--attack", "pgd", "--steps", "3", "--threads", "2", "--seed", "5"};
  ASSERT_TRUE(succeeded(train("one", adversarial)));
  ASSERT_TRUE(succeeded(train("two", adversarial)));
  EXPECT_EQ(content(in_folder("one")), content(in_folder("two")));
  const Arguments other_seed{"--attack", "pgd", "--steps", "3", "--threads", "2", "--seed", "6"};
  ASSERT_TRUE(succeeded(train("three", other_seed)));
  EXPECT_NE(bytes_of(in_folder("one/model.onnx")), bytes_of(in_folder("three/model.onnx")));
}

TEST_F(Training, CropsAndFlipsAreOfTheSeedAndOnRecord) {
  const Arguments moving{"--crop", "3", "--flip"};
  ASSERT_TRUE(succeeded(train("one", moving)));
  ASSERT_TRUE(succeeded(train("two", moving)));
  EXPECT_EQ(content(in_folder("one")), content(in_folder("two")));
  ASSERT_TRUE(succeeded(train("still")));
  EXPECT_NE(bytes_of(in_folder("one/model.onnx")), bytes_of(in_folder("still/model.onnx")));
  const auto record = nlohmann::json::parse(bytes_of(in_folder("one/training.json")));
  EXPECT_EQ(record["crop"], 3);
  EXPECT_EQ(record["flip"], true);
  EXPECT_TRUE(refused(train("far", {"--crop", "28"}), 2, {"--crop 28", "28 x 28"}));
  const Arguments carried{"--attack", "pgd", "--steps", "1", "--carry", "--flip"};
  EXPECT_TRUE(refused(train("carried", carried), 2, {"another crop or flip"}));
}

// Scale and shift are trained on, the statistics stay as they came.
TEST_F(Training, ANetworkWithBatchNormalisationIsTrainedOn) {
  at::manual_seed(1);
  Network network({1, 28, 28});
  network.append(reshape_layer({784}));
  network.append(linear_layer(), {at::randn({16, 784}) * 0.05, at::zeros({16})});
  network.append(affine_layer(), {at::rand({16}) + 0.5, at::randn({16})}, false);
  network.append(channel_affine_layer(), {at::ones({16}), at::zeros({16})});
  network.append(relu_layer());
  network.append(linear_layer(), {at::randn({10, 16}) * 0.3, at::zeros({10})});
  write_onnx(network, in_folder("given.onnx"));
  ASSERT_TRUE(succeeded(run_here(
      on_images("train") + Arguments{"--model", "given.onnx", "--epochs", "2", "--out", "on"})));
  const Network trained = read_onnx(in_folder("on/model.onnx")).network;
  ASSERT_EQ(trained.parameters().size(), 6U);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_FALSE(at::equal(trained.parameters()[k], network.parameters()[k])) << k;
  }
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_TRUE(at::equal(trained.nodes()[2].tensors[k], network.nodes()[2].tensors[k])) << k;
  }
}

TEST_F(Training, EveryAttackTrains) {
  for (const std::string attack : {"fgsm", "raw", "pgd"}) {
    Arguments more{"--attack", attack};
    if (attack != "fgsm") more = more + Arguments{"--steps", "2"};
    if (attack == "pgd") more = more + Arguments{"--norm", "l2", "--eps", "0.5"};
    EXPECT_TRUE(succeeded(train(attack, more)));
  }
  EXPECT_NE(bytes_of(in_folder("fgsm/model.onnx")), bytes_of(in_folder("raw/model.onnx")));
}

TEST_F(Training, GoesOnAfterInterruptsToTheSameBytes) { expect_going_on("cross-entropy"); }

TEST_F(Training, OnSquaredErrorGoesOnToTheSameBytes) { expect_going_on("squared-error"); }

TEST_F(Training, SaysThatTheNetworkIsDead) {
  Network closed = network();
  Tensors parameters = closed.parameters();
  parameters[1] = at::full_like(parameters[1], -100);  // biases of the first layer
  closed.set_parameters(parameters);
  write_onnx(closed, in_folder("closed.onnx"));
  const ProgramOutcome outcome = run_here(
      on_images("train") + Arguments{"--model", "closed.onnx", "--epochs", "1", "--out", "dead"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.err.find("model.onnx: gives all training images the same logits"),
            std::string::npos)
      << outcome;
}

TEST_F(Training, OnSquaredErrorLearnsAndSaysSo) {
  // At the learning rate of cross-entropy its ReLUs would close for good.
  const auto trained = [&](const std::string& out, const Arguments& more) {
    return run_here(on_images("train") +
                    Arguments{"--hidden", "64,64", "--batch-size", "20", "--lr", "0.003",
                              "--epochs", "10", "--out", out} +
                    more);
  };
  ASSERT_TRUE(succeeded(trained("squares", {"--loss", "squared-error"})));
  ASSERT_TRUE(succeeded(trained("entropy", {})));
  const auto loss_of = [&](const std::string& out) {
    return nlohmann::json::parse(bytes_of(in_folder(out) / "training.json"))["loss"];
  };
  EXPECT_EQ(loss_of("squares"), "squared-error");
  EXPECT_EQ(loss_of("entropy"), "cross-entropy");
  EXPECT_NE(bytes_of(in_folder("squares/model.onnx")), bytes_of(in_folder("entropy/model.onnx")));
  std::vector<nlohmann::json> epochs;
  std::istringstream lines(bytes_of(in_folder("squares/metrics.jsonl")));
  for (std::string line; std::getline(lines, line);) epochs.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(epochs.size(), 10U);
  EXPECT_LT(epochs.back()["loss"], 0.8 * epochs.front()["loss"].get<double>());
  // Its outputs come near one-hot labels, whose sum is one; logits do not.
  const Dataset data = dataset(samples);
  const auto outputs = [&](const std::string& out) {
    return logits(read_onnx(in_folder(out) / "model.onnx").network, data.samples.images);
  };
  const Tensor right = outputs("squares").argmax(1).eq(data.samples.labels);
  EXPECT_GT(right.sum().item<int64_t>(), samples / 3);
  EXPECT_NEAR(outputs("squares").sum(1).mean().item<double>(), 1, 0.25);
  // The loss is a setting: nothing goes on with another one.
  EXPECT_TRUE(refused(trained("squares", {"--resume"}), 2,
                      {"squares/checkpoint.npz", "loss: squared-error", "loss: cross-entropy"}));
}

TEST_F(Training, LossesThatAreNotTrainedOn) {
  EXPECT_TRUE(refused(train("out", {"--loss", "margin"}), 2,
                      {"--loss margin", "cross-entropy or squared-error"}));
  EXPECT_TRUE(refused(train("out", {"--loss", "dlr", "--attack", "pgd"}), 2,
                      {"--loss dlr", "cross-entropy or squared-error"}));
  EXPECT_TRUE(refused(train("out", {"--loss", "squared-error", "--label-smoothing", "0.1"}), 2,
                      {"--label-smoothing has no effect", "squared-error"}));
  EXPECT_TRUE(content(folder()).empty());
}

TEST_F(Training, AFinishedTrainingIsNotRepeatedButItsFilesAreThere) {
  ASSERT_TRUE(succeeded(train("out")));
  const auto files = content(in_folder("out"));
  fs::remove(in_folder("out/model.onnx"));
  fs::remove(in_folder("out/metrics.jsonl"));
  ASSERT_TRUE(succeeded(train("out", {"--resume"})));
  EXPECT_EQ(content(in_folder("out")), files);
}

TEST_F(Training, ResumingNothingSaysSoAndStarts) {
  ASSERT_TRUE(succeeded(train("fresh")));
  const ProgramOutcome outcome = train("resumed", {"--resume"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.err.find("resumed/checkpoint.npz: no such file"), std::string::npos);
  EXPECT_EQ(content(in_folder("fresh")), content(in_folder("resumed")));
}

TEST_F(Training, ADamagedOrForeignCheckpointIsRefusedAndLeftAlone) {
  ASSERT_TRUE(succeeded(train("out")));
  const fs::path checkpoint = in_folder("out/checkpoint.npz");
  const std::string good = bytes_of(checkpoint);
  std::string flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 4);
  for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), flipped}) {
    write_file(checkpoint, bad);
    const auto before = content(folder());
    EXPECT_TRUE(refused(train("out", {"--resume"}), 2, {"out/checkpoint.npz"}));
    EXPECT_EQ(content(folder()), before);
  }
  write_file(checkpoint, good);
  const auto before = content(folder());
  EXPECT_TRUE(refused(train("out", {"--resume", "--lr", "0.01"}), 2,
                      {"out/checkpoint.npz", "learning rate: 0.05", "learning rate: 0.01"}));
  EXPECT_TRUE(refused(train("out", {"--resume", "--arch", "linear"}), 2,
                      {"out/checkpoint.npz", "28 - 16 - 10, ReLU", "28 - 10"}));
  EXPECT_TRUE(refused(train("out", {"--resume", "--attack", "pgd"}), 2,
                      {"out/checkpoint.npz", "attack: none", "attack: pgd"}));
  EXPECT_EQ(content(folder()), before);
}

TEST_F(Training, ALossThatExplodesIsAFailedJob) {
  const ProgramOutcome outcome = train("out", {"--lr", "1e30"});
  EXPECT_TRUE(refused(outcome, 1, {"loss is not finite", "--lr"}));
  EXPECT_TRUE(content(in_folder("out")).empty());
}

}  // namespace
}  // namespace reluctance
