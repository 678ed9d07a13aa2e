// The program as several processes that tell each other what they found.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <deque>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/material.hpp"
#include "reluctance/base/processes.hpp"
#include "several_processes.hpp"

namespace reluctance {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Processes : public Cli {
 protected:
  void SetUp() override {
    if (!can_be_several()) GTEST_SKIP() << "built without Gloo";
  }

  // Started as torchrun starts them.
  static void start(std::deque<Program>& programs, const std::map<std::string, std::string>& as,
                    const Arguments& arguments) {
    for (const auto& [name, value] : as) ::setenv(name.c_str(), value.c_str(), 1);
    programs.emplace_back(arguments, Surroundings{.own_start = true});
    for (const auto& [name, value] : as) ::unsetenv(name.c_str());
  }

  static std::deque<Program> start(int count, const Arguments& arguments) {
    std::deque<Program> programs;
    const std::uint16_t port = free_port();
    for (int rank = 0; rank < count; ++rank) {
      start(programs, as_torchrun(rank, count, port), arguments);
    }
    return programs;
  }

  // Two processes that work in other folders, as on machines that share no files: rank 0 says that
  // what they see differs.
  static void expect_refused_in(const std::filesystem::path& first,
                                const std::filesystem::path& second, const Arguments& arguments,
                                const std::string& words) {
    std::deque<Program> programs;
    const std::uint16_t port = free_port();
    const std::filesystem::path here = std::filesystem::current_path();
    for (const int rank : {0, 1}) {
      std::filesystem::current_path(rank == 0 ? first : second);
      start(programs, as_torchrun(rank, 2, port), arguments + one_thread);
    }
    std::filesystem::current_path(here);
    const std::vector<ProgramOutcome> outcomes = wait(programs);
    EXPECT_TRUE(refused(outcomes[0], 2, {words + " of rank 1 differs"}));
    EXPECT_EQ(outcomes[1].code, 2) << outcomes[1];
  }

  static std::vector<ProgramOutcome> wait(std::deque<Program>& programs) {
    std::vector<ProgramOutcome> outcomes;
    for (Program& each : programs) outcomes.push_back(each.wait());
    return outcomes;
  }

  // What rank 0 says; the others say nothing.
  static ProgramOutcome run_in(int count, const Arguments& arguments,
                               const Arguments& threads = one_thread) {
    std::deque<Program> programs = start(count, arguments + threads);
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
  void expect_the_same_bytes(const Arguments& command, const std::vector<int>& counts,
                             const Arguments& threads = one_thread) const {
    for (const int count : counts) {
      const std::string file = path("saved.npz", count);
      run_in(count, command + Arguments{"--save", file}, threads);
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

  // All of them, for longer than one may be silent, which is no fault of theirs.
  static void suspend(const std::deque<Program>& programs) {
    for (const Program& each : programs) each.send(SIGSTOP);
    std::this_thread::sleep_for(seconds(14));
    for (const Program& each : programs) each.send(SIGCONT);
  }
};

TEST_F(Processes, EvaluateTheSameBytes) {
  const Arguments command = on_both("evaluate") + Arguments{"--json", "-"};
  expect_the_same_bytes(command + Arguments{"--limit", "60", "--eps", "0.03"}, {1, 4});
  // What stands of so many goes to all processes.
  const Arguments many = command + Arguments{"--limit", "500", "--attack", "apgd-ce"};
  const Arguments l2{"--norm", "l2", "--eps", "0.3"};
  expect_the_same_bytes(many + l2, {1, 2, 3, 4});
  expect_the_same_bytes(many + l2, {1, 3}, {"--threads", "2"});
  expect_the_same_bytes(many + Arguments{"--norm", "l1", "--eps", "3"}, {1, 3});
}

TEST_F(Processes, MeasureTheSameDistances) {
  expect_the_same_bytes(on_both("distances") + Arguments{"--limit", "400", "--norm", "l2"},
                        {1, 2, 3, 4});
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
  for (const std::size_t told : {0, 1}) {
    std::deque<Program> programs = start(3, long_evaluation(file, images));
    await_work(programs);
    if (told == 1) suspend(programs);
    // One is told, and again by its launcher: all stop, and save what is known.
    for (const int signal : {SIGINT, SIGINT, SIGTERM}) {
      programs[told].send(signal);
      std::this_thread::sleep_for(milliseconds(100));
    }
    const std::vector<ProgramOutcome> outcomes = wait(programs);
    for (const ProgramOutcome& each : outcomes) EXPECT_EQ(each.code, 130) << each;
    EXPECT_TRUE(says(outcomes[0], "--resume")) << outcomes[0];
    EXPECT_TRUE(std::filesystem::exists(file + ".checkpoint"));
  }
  std::deque<Program> more = start(2, long_evaluation(file, images) + Arguments{"--resume"});
  for (const ProgramOutcome& each : wait(more)) ASSERT_TRUE(succeeded(each));
  EXPECT_EQ(bytes_of(file), bytes_of(whole));
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

TEST_F(Processes, RefuseToSeeOtherFiles) {
  const std::filesystem::path one = in_folder("one");
  const std::filesystem::path two = in_folder("two");
  const Arguments train =
      on_images("train") + Arguments{"--hidden", "8", "--epochs", "1", "--out", "run"};
  for (const std::filesystem::path& each : {one, two}) std::filesystem::create_directory(each);
  ASSERT_TRUE(succeeded(run(train + one_thread, {one})));
  expect_refused_in(one, two, train + Arguments{"--resume"}, "run/checkpoint.npz");
  std::filesystem::copy(one / "run" / "model.onnx", one / "net.onnx");
  std::filesystem::copy(model(), two / "net.onnx");
  expect_refused_in(one, two, on_images("evaluate") + Arguments{"--model", "net.onnx"}, "net.onnx");
  int64_t count = 20;
  for (const std::filesystem::path& each : {one, two}) {
    const Samples some = dataset(count++).samples;
    write_npz(each / "some.npz", {{"images", some.images}, {"labels", some.labels}});
  }
  expect_refused_in(one, two, {"distances", "--data", "some.npz", "--model", model()}, "some.npz");
}

TEST_F(Processes, RefuseARankThatIsThere) {
  std::deque<Program> programs;
  const std::uint16_t port = free_port();
  const Arguments arguments = long_evaluation(in_folder("file.npz"), 2000);
  for (const int rank : {0, 1}) start(programs, as_torchrun(rank, 2, port), arguments);
  await_work(programs);
  start(programs, as_torchrun(1, 2, port), arguments);
  EXPECT_TRUE(refused(programs.back().wait(), 1, {"rank 1 is at 127.0.0.1:", "already"}));
}

// Rank 0 may have been given another command line.
TEST_F(Processes, SayWhoCannotReadItsCommandLine) {
  std::deque<Program> programs;
  start(programs, as_torchrun(1, 2, free_port()), {"evaluate", "--modle", "net.onnx"});
  EXPECT_TRUE(refused(programs.front().wait(), 2, {"rank 1: ", "--modle"}));
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
