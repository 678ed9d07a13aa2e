// Killed at any moment, a run goes on with --resume to what it would have been.
// RELUCTANCE_KILLS=n says how many kills are shared among the programs.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "cli/material.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

// What no two runs share: times, and the command with its --resume.
void forget_times(Json& value) {
  if (value.is_object()) {
    for (const char* key : {"seconds", "processor_seconds", "started", "command"}) value.erase(key);
  }
  for (Json& each : value) {
    if (each.is_structured()) forget_times(each);
  }
}

std::string without_times(const std::string& lines, bool one_document) {
  std::istringstream rest(lines);
  std::string text;
  for (std::string line; std::getline(rest, line, one_document ? '\0' : '\n');) {
    Json document = Json::parse(line);
    forget_times(document);
    text += document.dump() + "\n";
  }
  return text;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

const char* wished_kills() { return std::getenv("RELUCTANCE_KILLS"); }

int kills() { return wished_kills() ? std::stoi(wished_kills()) : 6; }

class Kills : public Cli {
 protected:
  // Every file of a run, without its times.
  std::map<std::string, std::string> outcome_of(const std::string& out) const {
    auto files = content(in_folder(out));
    for (auto& [name, bytes] : files) {
      if (name.ends_with(".json") || name.ends_with("diagnosis.jsonl")) {
        bytes = without_times(bytes, name.ends_with(".json"));
      }
      if (name == "report.html") bytes = "drawn from results.json";
    }
    return files;
  }

  // `command` writes all its files to the folder that it is given. A share of the kills, then the
  // same files as those of a run that nobody killed.
  void expect_the_same_after_kills(const std::function<Arguments(const std::string& out)>& command,
                                   const std::vector<int>& signals, std::uint32_t seed) const {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> moment;
    auto begin = Clock::now();
    ASSERT_TRUE(succeeded(run_here(command("whole"))));
    double duration = seconds_since(begin);
    const auto whole = outcome_of("whole");
    const int share = std::max(1, kills() / 3);
    int killed = 0;
    bool fresh = true;  // no run into this folder was killed
    for (int finished = 0; killed < share && finished < 10 * kills();) {
      const std::string out = "killed-" + std::to_string(finished);
      const int signal = signals[static_cast<std::size_t>(killed) % signals.size()];
      begin = Clock::now();
      Program program(command(out) + Arguments{"--resume"} + one_thread, {folder()});
      const double end = duration * moment(random);
      while (seconds_since(begin) < end && program.listen(std::chrono::milliseconds(1))) {
      }
      program.send(signal);
      const ProgramOutcome outcome = program.wait();
      if (outcome.code != 0) {
        // It may not have come as far as to listen to signals.
        EXPECT_TRUE(outcome.code == 128 + signal || outcome.code == 130) << outcome;
        fresh = false;
        if (++killed < share) continue;
        ASSERT_TRUE(succeeded(run_here(command(out) + Arguments{"--resume"})));
      } else if (fresh) {
        duration = seconds_since(begin);  // which other work on the machine changes
      }
      ASSERT_EQ(outcome_of(out), whole) << "after kill " << killed << " of seed " << seed;
      fresh = true;
      ++finished;
    }
    EXPECT_EQ(killed, share) << "the program ended before it could be killed";
  }
};

TEST_F(Kills, OfATraining) {
  const auto command = [](const std::string& out) {
    return on_images("train") +
           Arguments{"--hidden", "32",         "--batch-size", "20",    "--epochs", "8",
                     "--attack", "pgd",        "--eps",        "0.05",  "--steps",  "5",
                     "--carry",  "--diagnose", "20",           "--out", out};
  };
  expect_the_same_after_kills(command, {SIGKILL, SIGINT, SIGTERM}, 1);
}

TEST_F(Kills, OfAnEvaluation) {
  const auto command = [](const std::string& out) {
    return on_both("evaluate") +
           Arguments{"--limit", "200",          "--eps",  "0.03",
                     "--save",  out + "/a.npz", "--json", out + "/numbers.json"};
  };
  // Only a run that may leave a checkpoint lets the next one go on.
  expect_the_same_after_kills(command, {SIGINT, SIGKILL, SIGTERM}, 2);
}

TEST_F(Kills, OfAnExplanation) {
  const auto command = [](const std::string& out) {
    return on_images("explain") + Arguments{"--hidden", "16", "--epochs", "4", "--limit", "4",
                                            "--batch",  "16", "--steps",  "2", "--out",   out};
  };
  expect_the_same_after_kills(command, {SIGTERM, SIGKILL, SIGINT}, 3);
}

// A cell of the study, its programs and its shell together, as Ctrl-C in a terminal does.
TEST_F(Kills, OfAStudy) {
  if (!wished_kills()) GTEST_SKIP() << "takes its time; asked for with RELUCTANCE_KILLS";
  const fs::path here = fs::path(__FILE__).parent_path().parent_path().parent_path();
  fs::create_directories(in_folder("scripts"));
  fs::create_directories(in_folder("build/release/bin"));
  fs::copy_file(here / "scripts/study", in_folder("scripts/study"));
  fs::create_symlink(RELUCTANCE_PROGRAM, in_folder("build/release/bin/reluctance"));
  const std::string out = "out/study-fast";
  const auto finishes = [&](const std::string& killer) {
    const std::string line = "cd '" + folder().string() + "' && STUDY_FAST=1 " + killer +
                             " scripts/study perceptron 1 16 >/dev/null 2>&1";
    return std::system(line.c_str()) == 0;
  };
  fs::create_directories(in_folder(out));
  const auto begin = Clock::now();
  ASSERT_TRUE(finishes(""));
  const double duration = seconds_since(begin);
  const auto whole = outcome_of(out);
  std::mt19937 random(4);
  std::uniform_real_distribution<double> moment(0, duration);
  const int share = std::max(1, kills() / 10);
  for (int killed = 0; killed < share;) {
    fs::remove_all(in_folder(out));
    fs::create_directories(in_folder(out));
    const std::string signal = killed % 2 == 0 ? "KILL" : "INT";
    while (killed < share &&
           !finishes("timeout -s " + signal + " " + std::to_string(moment(random)))) {
      ++killed;
    }
    ASSERT_TRUE(finishes(""));
    ASSERT_EQ(outcome_of(out), whole) << "after kill " << killed;
  }
}

}  // namespace
}  // namespace reluctance
