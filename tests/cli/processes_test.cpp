// The program as several processes that tell each other what they found.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <deque>
#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "several_processes.hpp"

namespace reluctance {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Processes : public Cli {
 protected:
  // Started as torchrun starts them.
  static std::deque<Program> start(int count, const Arguments& arguments) {
    std::deque<Program> programs;
    const std::uint16_t port = free_port();
    for (int rank = 0; rank < count; ++rank) {
      const auto variables = as_torchrun(rank, count, port);
      for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
      programs.emplace_back(arguments, Surroundings{.own_start = true});
      for (const auto& [name, value] : variables) ::unsetenv(name.c_str());
    }
    return programs;
  }

  static std::vector<ProgramOutcome> wait(std::deque<Program>& programs) {
    std::vector<ProgramOutcome> outcomes;
    for (Program& each : programs) outcomes.push_back(each.wait());
    return outcomes;
  }

  // What rank 0 says; the others say nothing.
  static ProgramOutcome run_in(int count, const Arguments& arguments) {
    std::deque<Program> programs = start(count, arguments + one_thread);
    const std::vector<ProgramOutcome> outcomes = wait(programs);
    for (const ProgramOutcome& each : outcomes) EXPECT_TRUE(succeeded(each));
    for (std::size_t rank = 1; rank < outcomes.size(); ++rank) {
      EXPECT_EQ(outcomes[rank].out + outcomes[rank].err, "") << "rank " << rank;
    }
    return outcomes.front();
  }

  std::string path(const std::string& name, int count) const {
    return in_folder(name + "-" + std::to_string(count)).string();
  }

  // The file that the option names is the same, to the byte, from one process and from several.
  void expect_the_same_bytes(const Arguments& command, const std::vector<int>& counts) const {
    for (const int count : counts) {
      const std::string file = path("saved.npz", count);
      run_in(count, command + Arguments{"--save", file});
      EXPECT_EQ(bytes_of(file), bytes_of(path("saved.npz", counts.front())))
          << count << " processes";
    }
  }

  static bool says(const ProgramOutcome& outcome, const std::string& words) {
    return outcome.err.find(words) != std::string::npos;
  }

  // Many images, and an attack that goes on: some 20 ms of work for each.
  static Arguments long_evaluation(const std::string& file, int images) {
    return Arguments{"evaluate",
                     "--data",
                     "fashion-mnist",
                     "--model",
                     model(),
                     "--limit",
                     std::to_string(images),
                     "--attack",
                     "autoattack",
                     "--norm",
                     "l2",
                     "--eps",
                     "0.3",
                     "--save",
                     file} +
           one_thread;
  }

  // Until rank 0 has done what takes a process more than to start, however busy the machine is.
  static void await_work(std::deque<Program>& programs) {
    constexpr double start = 2;  // seconds of processor time
    clockid_t clock{};
    ASSERT_EQ(::clock_getcpuclockid(programs.front().process(), &clock), 0);
    for (timespec used{}; used.tv_sec + used.tv_nsec * 1e-9 < start;) {
      for (Program& each : programs) each.listen(milliseconds(50));
      ASSERT_EQ(::clock_gettime(clock, &used), 0) << "it has ended";
    }
  }

  // Attacks in L2 on other numbers of rows round otherwise in the last bits.
  static void expect_the_same_to_rounding(const std::string& file, const std::string& other) {
    const auto one = read_npz(file);
    const auto two = read_npz(other);
    ASSERT_EQ(one.size(), two.size());
    for (const auto& [name, values] : one) {
      if (values.is_floating_point()) {
        EXPECT_TRUE(at::allclose(values, two.at(name), 1e-3, 1e-3)) << name;
      } else {
        EXPECT_TRUE(at::equal(values, two.at(name))) << name;
      }
    }
  }
};

TEST_F(Processes, EvaluateTheSameBytes) {
  expect_the_same_bytes(on_both("evaluate") + Arguments{"--limit", "60", "--eps", "0.03"},
                        {1, 2, 3, 4});
}

TEST_F(Processes, MeasureTheSameDistancesToRounding) {
  const Arguments command = on_both("distances") + Arguments{"--limit", "31", "--norm", "l2"};
  for (const int count : {1, 3}) run_in(count, command + Arguments{"--save", path("near", count)});
  expect_the_same_to_rounding(path("near", 1), path("near", 3));
}

TEST_F(Processes, CompareTheSameDynamicsAndInfluence) {
  expect_the_same_bytes(on_both("dynamics") + Arguments{"--limit", "70", "--steps", "3"}, {1, 2});
  expect_the_same_bytes(on_both("influence") + Arguments{"--limit", "70", "--steps", "3"}, {1, 2});
}

TEST_F(Processes, FindTheSameCurvatureToRounding) {
  for (const Arguments& matrix :
       {Arguments{"hessian"},
        {"ggn"},
        {"effective", "--attack", "pgd", "--norm", "l2", "--eps", "0.3", "--steps", "3"}}) {
    Tensor alone;
    for (const int count : {1, 3}) {
      const std::string file = path("pairs.npz", count);
      const Arguments command = on_both("curvature") +
                                Arguments{"--limit", "100",    "--top", "2",         "--tolerance",
                                          "1e-4",    "--save", file,    "--operator"} +
                                matrix;
      run_in(count, command);
      const Tensor values = read_npz(file).at("eigenvalues");
      if (count == 1) alone = values;
      EXPECT_TRUE(at::allclose(values, alone, 1e-4, 0)) << matrix[0] << ": " << values << alone;
      if (count == 1) continue;
      const std::string once = bytes_of(file);
      run_in(count, command);
      EXPECT_EQ(bytes_of(file), once) << matrix[0] << ", run again";
    }
  }
}

TEST_F(Processes, TrainTheSameNetworkToRounding) {
  const auto train = [&](int count) {
    run_in(count,
           on_images("train") + Arguments{"--hidden", "16", "--epochs", "2", "--batch-size", "50",
                                          "--attack", "pgd", "--eps", "0.03", "--steps", "2",
                                          "--carry", "--out", path("run", count)});
    return read_onnx(path("run", count) + "/model.onnx").network.flat_parameters();
  };
  const Tensor alone = train(1);
  EXPECT_TRUE(at::allclose(train(3), alone, 1e-3, 1e-4));
  EXPECT_EQ(content(path("run", 3)).size(), content(path("run", 1)).size());
}

// What one process left, three go on from, and the other way round.
TEST_F(Processes, GoOnInAnotherNumber) {
  const std::string whole = in_folder("whole.npz").string();
  const std::string file = in_folder("parts.npz").string();
  constexpr int images = 500;
  ASSERT_TRUE(succeeded(run_here(long_evaluation(whole, images))));
  std::deque<Program> programs = start(3, long_evaluation(file, images));
  await_work(programs);
  programs[1].send(SIGINT);  // one is told, all stop
  const std::vector<ProgramOutcome> outcomes = wait(programs);
  for (const ProgramOutcome& each : outcomes) EXPECT_EQ(each.code, 130) << each;
  EXPECT_TRUE(says(outcomes[0], "--resume")) << outcomes[0];
  EXPECT_TRUE(std::filesystem::exists(file + ".checkpoint"));
  std::deque<Program> more = start(2, long_evaluation(file, images) + Arguments{"--resume"});
  for (const ProgramOutcome& each : wait(more)) ASSERT_TRUE(succeeded(each));
  expect_the_same_to_rounding(file, whole);
  EXPECT_FALSE(std::filesystem::exists(file + ".checkpoint"));
}

TEST_F(Processes, EndTogetherWhenOneIsLost) {
  struct Case {
    int lost, signal;
    std::string words;
  };
  for (const Case& each : {Case{1, SIGKILL, "rank 1 has ended or hangs; it was at: "},
                           Case{2, SIGSTOP, "rank 2 has ended or hangs; it was at: "},
                           Case{0, SIGKILL, "rank 0 has ended"}}) {
    const std::string file = in_folder("lost.npz").string();
    std::deque<Program> programs = start(3, long_evaluation(file, 2000));
    await_work(programs);
    const auto begin = Clock::now();
    programs[static_cast<std::size_t>(each.lost)].send(each.signal);
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == each.lost) continue;
      const ProgramOutcome outcome = programs[static_cast<std::size_t>(rank)].wait();
      EXPECT_EQ(outcome.code, 1) << outcome;
      const bool speaks = rank == 0 || each.lost == 0;
      EXPECT_EQ(says(outcome, each.words), speaks) << outcome;
    }
    EXPECT_LT(Clock::now() - begin, seconds(30)) << each.words;
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_EQ(std::filesystem::exists(file + ".checkpoint"), each.lost > 0);
    std::filesystem::remove(file + ".checkpoint");
    EXPECT_TRUE(content(folder()).empty()) << "something is half written";
  }
}

TEST_F(Processes, SayOnceWhatIsWrongWithAll) {
  std::deque<Program> programs =
      start(3, on_images("evaluate") + Arguments{"--model", "missing.onnx"});
  const std::vector<ProgramOutcome> outcomes = wait(programs);
  EXPECT_TRUE(refused(outcomes[0], 2, {"missing.onnx"}));
  for (const std::size_t rank : {1, 2}) {
    EXPECT_NE(outcomes[rank].code, 0) << outcomes[rank];
    EXPECT_EQ(outcomes[rank].err, "");
  }
}

TEST_F(Processes, RefuseWhatTheyWereStartedWith) {
  ::setenv("RANK", "2", 1);
  ::setenv("WORLD_SIZE", "2", 1);
  const ProgramOutcome outcome = run(on_both("evaluate"), {.own_start = true});
  ::unsetenv("RANK");
  ::unsetenv("WORLD_SIZE");
  EXPECT_TRUE(refused(outcome, 2, {"RANK=2", "from 0 to 1"}));
}

}  // namespace
}  // namespace reluctance
