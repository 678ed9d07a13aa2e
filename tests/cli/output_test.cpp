// Places that cannot be written, and disks that are full: a line, and nothing half-written.
#include <gtest/gtest.h>

#include "cli/material.hpp"

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
  EXPECT_EQ(read_npz(in_folder(odd) / "s.npz").size(), 6U);
  fs::copy_file(model(), in_folder(odd) / "m.onnx");
  fs::copy_file(images(), in_folder(odd) / "i.npz");
  ASSERT_TRUE(succeeded(run_here({"evaluate", "--model", odd + "/m.onnx", "--data", odd + "/i.npz",
                                  "--limit", "4", "--attack", "fgsm"})));
  EXPECT_TRUE(refused(run_here({"evaluate", "--model", odd + "/none.onnx", "--data", images()}), 2,
                      {"a b '\"$(x) \xff??[31m/none.onnx: no such file"}));
}

}  // namespace
}  // namespace reluctance
