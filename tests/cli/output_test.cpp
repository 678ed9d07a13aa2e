// Places that cannot be written, and disks that are full: a line, and nothing half-written.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cli/material.hpp"
#include "reluctance/network/layers.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

const Arguments small{"--hidden", "16", "--epochs", "1"};

class Output : public Cli {
 protected:
  ProgramOutcome evaluate(const Arguments& more) const {
    return run_here(on_both("evaluate") + Arguments{"--limit", "20", "--attack", "fgsm"} + more);
  }
  ProgramOutcome train(const std::string& out) const {
    return run_here(on_images("train") + Arguments{"--out", out} + small);
  }
};

TEST_F(Output, FoldersThatCannotBe) {
  write_file(in_folder("file"), "mine");
  const auto before = content(folder());
  EXPECT_TRUE(refused(train("file"), 2, {"file: ", "--out"}));
  EXPECT_TRUE(refused(train("file/below"), 2, {"file/below: ", "--out"}));
  EXPECT_TRUE(refused(train("/proc/reluctance"), 2, {"/proc/reluctance: ", "--out"}));
  EXPECT_TRUE(
      refused(run_here(on_both("explain") + Arguments{"--out", "file"}), 2, {"file: ", "--out"}));
  EXPECT_EQ(content(folder()), before);
}

TEST_F(Output, AReadOnlyFolderIsRefusedBeforeTheWork) {
  fs::create_directories(in_folder("locked"));
  fs::permissions(in_folder("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  const std::string why = "Permission denied";
  EXPECT_TRUE(refused(train("locked"), 2, {"locked: ", why, "--out"}));
  EXPECT_TRUE(refused(train("locked/below"), 2, {"locked/below: ", why, "--out"}));
  EXPECT_TRUE(refused(evaluate({"--save", "locked/a.npz"}), 2, {"--save locked/a.npz: ", why}));
  EXPECT_TRUE(refused(evaluate({"--json", "locked/a.json"}), 2, {"--json locked/a.json: ", why}));
  EXPECT_TRUE(refused(evaluate({"--png", "locked"}), 2, {"locked: ", why, "--png"}));
  EXPECT_EQ(content(folder()), (std::map<std::string, std::string>{{"locked", "a folder"}}));
  fs::permissions(in_folder("locked"), fs::perms::owner_all);
}

TEST_F(Output, FilesThatCannotBe) {
  write_file(in_folder("file"), "mine");
  fs::create_directories(in_folder("taken"));
  const auto before = content(folder());
  EXPECT_TRUE(refused(evaluate({"--save", "taken"}), 2, {"--save taken: "}));
  EXPECT_TRUE(refused(evaluate({"--save", "/dev/null"}), 2, {"--save /dev/null: "}));
  EXPECT_TRUE(refused(evaluate({"--json", "taken"}), 2, {"--json taken: "}));
  EXPECT_TRUE(refused(evaluate({"--save", "file/a.npz"}), 2, {"file/a.npz: "}));
  EXPECT_TRUE(refused(evaluate({"--save", "/proc/a.npz"}), 2, {"--save /proc/a.npz: "}));
  EXPECT_TRUE(refused(evaluate({"--json", "/proc/new/a.json"}), 2, {"/proc/new/a.json: "}));
  EXPECT_EQ(content(folder()), before);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Output, AFullDiskLeavesWhatWasThere) {
  ASSERT_TRUE(succeeded(train("out")));
  ASSERT_TRUE(succeeded(evaluate({"--save", "a.npz"})));
  const auto before = content(folder());
  const Surroundings full{folder(), 10000};
  const ProgramOutcome training = run(
      on_images("train") + Arguments{"--out", "out", "--lr", "0.01"} + small + one_thread, full);
  EXPECT_TRUE(refused(training, 1, {"out/checkpoint.npz: ", "File too large"}));
  const ProgramOutcome saving =
      run(on_both("evaluate") + Arguments{"--attack", "fgsm", "--save", "a.npz"}, full);
  EXPECT_TRUE(refused(saving, 1, {"a.npz: ", "File too large"}));
  const ProgramOutcome theory =
      run(on_both("dynamics") +
              Arguments{"--limit", "4", "--beta", "1", "--steps", "3", "--save", "a.npz"},
          full);
  EXPECT_TRUE(refused(theory, 1, {"a.npz: ", "File too large"}));
  EXPECT_EQ(content(folder()), before);
}

TEST_F(Output, AReportThatDoesNotFit) {
  const ProgramOutcome outcome = run(
      on_both("explain") + Arguments{"--limit", "4", "--batch", "16", "--steps", "2"} + one_thread,
      {folder(), 1000});
  // After the progress that a slow machine shows.
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(outcome.err.ends_with("out/explain/results.json: cannot write: File too large\n"))
      << outcome.err;
  EXPECT_TRUE(content(in_folder("out/explain")).empty());
}

TEST_F(Output, AFullStandardOutputIsAFailedJob) {
  const Arguments command =
      on_both("evaluate") + Arguments{"--limit", "4", "--attack", "fgsm", "--json", "-"};
  EXPECT_TRUE(succeeded(run(command, {folder(), 0, "/dev/null"})));
  const ProgramOutcome outcome = run(command, {folder(), 0, "/dev/full"});
  EXPECT_EQ(outcome.code, 1) << outcome;
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos) << outcome;
}

TEST_F(Output, AStandardOutputWithoutAReaderIsAFailedJob) {
  const Arguments command =
      on_both("evaluate") +
      Arguments{"--limit", "4", "--attack", "fgsm", "--json", "-", "--save", "a.npz"} + one_thread;
  const ProgramOutcome outcome = run(command, {.folder = folder(), .no_reader = true});
  EXPECT_EQ(outcome.code, 1) << outcome;
  EXPECT_NE(outcome.err.find("standard output cannot be written"), std::string::npos) << outcome;
  EXPECT_EQ(read_npz(in_folder("a.npz")).size(), 7U);
}

// The spectrum of one image of so many classes takes longer than anybody waits.
TEST_F(Output, CtrlCEndsAStepThatCannotBeLeft) {
  constexpr int64_t classes = 2500;
  at::manual_seed(1);
  Network network({1, 28, 28});
  network.append(reshape_layer({784}));
  network.append(linear_layer(), {at::randn({classes, 784}) / 28, at::zeros({classes})});
  write_onnx(network, in_folder("wide.onnx"));
  Program program(
      on_images("dynamics") +
          Arguments{"--model", "wide.onnx", "--beta", "0.1", "--limit", "4", "--json", "a.json"} +
          one_thread,
      {folder()});
  // Long enough to be in the middle of it, on a quiet machine.
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(2)) {
    ASSERT_TRUE(program.listen(std::chrono::milliseconds(100))) << program.wait();
  }
  program.send(SIGINT);
  const ProgramOutcome outcome = program.wait(std::chrono::seconds(20));
  EXPECT_EQ(outcome.code, 130) << outcome;
  EXPECT_NE(outcome.err.find("reluctance: stopped"), std::string::npos) << outcome;
  EXPECT_FALSE(fs::exists(in_folder("a.json")));
}

TEST_F(Output, TwoRunsDoNotShareAFolder) {
  Program first(on_images("train") + Arguments{"--out", "out", "--epochs", "100000"} + one_thread,
                {folder()});
  for (int i = 0; i < 600 && !fs::exists(in_folder("out/checkpoint.npz")); ++i) {
    first.listen(std::chrono::milliseconds(100));
  }
  const ProgramOutcome second = train("out");
  EXPECT_TRUE(refused(second, 2, {"out: process " + std::to_string(first.process()), "--out"}));
  EXPECT_TRUE(succeeded(train("other")));
  first.send(SIGINT);
  EXPECT_EQ(first.wait().code, 130);
  EXPECT_TRUE(succeeded(train("out")));
}

TEST_F(Output, LongNamesDoNotFillTheScreen) {
  const ProgramOutcome outcome =
      run_here({"evaluate", "--model", model(), "--data", std::string(100000, 'x')});
  EXPECT_TRUE(refused(outcome, 2, {"unknown data 'xxx", "[...]", ".npz"}));
  EXPECT_LT(outcome.err.size(), 2100U);
}

TEST_F(Output, OddNamesWork) {
  const std::string odd = "a b '\"$(x) \xff\n\x1b[31m";
  ASSERT_TRUE(succeeded(evaluate({"--save", odd + "/s.npz", "--json", odd + "/n.json"})));
  EXPECT_EQ(read_npz(in_folder(odd) / "s.npz").size(), 7U);
  fs::copy_file(model(), in_folder(odd) / "m.onnx");
  fs::copy_file(images(), in_folder(odd) / "i.npz");
  ASSERT_TRUE(succeeded(run_here({"evaluate", "--model", odd + "/m.onnx", "--data", odd + "/i.npz",
                                  "--limit", "4", "--attack", "fgsm"})));
  EXPECT_TRUE(refused(run_here({"evaluate", "--model", odd + "/none.onnx", "--data", images()}), 2,
                      {"a b '\"$(x) \xff??[31m/none.onnx: no such file"}));
}

}  // namespace
}  // namespace reluctance
