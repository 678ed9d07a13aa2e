// The built program, run as a user would run it, and what it said.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cli/fork_server.hpp"
#include "cli/program.hpp"

namespace reluctance {

using Arguments = std::vector<std::string>;

inline Arguments operator+(Arguments first, const Arguments& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

struct ProgramOutcome {
  int code = -1;  // 128 + signal if one ended the program, as shells count
  std::string out;
  std::string err;
};

inline std::ostream& operator<<(std::ostream& stream, const ProgramOutcome& outcome) {
  return stream << "exit code " << outcome.code << "\nstdout: " << outcome.out
                << "\nstderr: " << outcome.err;
}

// How the program is started.
struct Surroundings {
  std::string folder = ".";        // where it works
  std::uint64_t largest_file = 0;  // writing more fails, as on a full disk; 0: no limit
  std::string standard_output{};   // this file instead of ProgramOutcome::out
  bool own_start = false;          // the built program itself; those above do not apply
  bool no_reader = false;          // nobody reads standard output
};

// The words as main takes them; they must live as long.
inline std::vector<char*> pointers(const Arguments& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  return argv;
}

// Root, too, may then write only where a folder's mode allows it. False if the system refuses.
inline bool give_up_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (const unsigned capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
    sets[0].effective &= ~(1U << capability);
  }
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

// In a new process: folder, largest file and standard output of Surroundings, then the command
// line.
inline void become_program(const Arguments& words) {
  const auto require = [](bool done) {
    if (!done) ::_exit(127);
  };
  require(::chdir(words[0].c_str()) == 0);
  require(give_up_privileges());
  if (const std::uint64_t largest = std::stoull(words[1]); largest > 0) {
    const rlimit limit{largest, largest};
    require(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  if (!words[2].empty()) {
    require(::dup2(::open(words[2].c_str(), O_WRONLY | O_CLOEXEC), STDOUT_FILENO) >= 0);
  }
  const Arguments line(words.begin() + 3, words.end());
  std::exit(run_program(static_cast<int>(line.size()), pointers(line).data()));
}

// Begins before the first test, when there is no thread yet that a fork could lose.
inline ForkServer& fork_server() {
  static ForkServer server(become_program);
  return server;
}

class ForkServerBegins : public ::testing::Environment {
  void SetUp() override { fork_server(); }
};
inline const auto* const fork_server_begins =
    ::testing::AddGlobalTestEnvironment(new ForkServerBegins);

// A running program. Whoever forgets to wait kills it.
class Program {
 public:
  explicit Program(const Arguments& arguments, const Surroundings& surroundings = {}) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe2");
    }
    if (surroundings.no_reader) ::close(std::exchange(out[0], -1));
    const Arguments words = Arguments{RELUCTANCE_PROGRAM} + arguments;
    if (surroundings.own_start) {
      child_ = ::fork();
      if (child_ == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(err[1], STDERR_FILENO);
        ::execv(words.front().c_str(), pointers(words).data());
        ::_exit(127);
      }
    } else {
      const Arguments around{surroundings.folder, std::to_string(surroundings.largest_file),
                             surroundings.standard_output};
      child_ = fork_server().start(around + words, out[1], err[1]);
    }
    ::close(out[1]);
    ::close(err[1]);
    if (child_ < 0) throw std::runtime_error("fork");
    streams_ = {pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  }
  ~Program() {
    for (const pollfd& stream : streams_) {
      if (stream.fd >= 0) ::close(stream.fd);
    }
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t process() const { return child_; }
  void send(int signal) const { ::kill(child_, signal); }

  // Reads what the program says for that long; false once it says no more, because it ends.
  bool listen(std::chrono::milliseconds time) {
    std::array<char, 65536> buffer{};
    if (::poll(streams_.data(), streams_.size(), static_cast<int>(time.count())) < 0) return true;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i].fd < 0 || streams_[i].revents == 0) continue;
      const ssize_t count = ::read(streams_[i].fd, buffer.data(), buffer.size());
      if (count > 0) (i == 0 ? outcome_.out : outcome_.err).append(buffer.data(), count);
      if (count == 0) ::close(std::exchange(streams_[i].fd, -1));
    }
    return streams_[0].fd >= 0 || streams_[1].fd >= 0;
  }

  // Listens until the program ends; kills it, and fails the test, when it takes too long.
  ProgramOutcome wait(std::chrono::seconds timeout = std::chrono::seconds(120)) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (listen(std::chrono::milliseconds(1000))) {
      if (std::chrono::steady_clock::now() < end) continue;
      ADD_FAILURE() << "the program did not end within " << timeout.count() << " s";
      send(SIGKILL);
    }
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    outcome_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome_;
  }

 private:
  pid_t child_ = -1;
  std::array<pollfd, 2> streams_{pollfd{-1, 0, 0}, pollfd{-1, 0, 0}};
  ProgramOutcome outcome_;
};

inline ProgramOutcome run(const Arguments& arguments, const Surroundings& surroundings = {}) {
  return Program(arguments, surroundings).wait();
}

// The outcomes of all command lines; several programs run at once.
inline std::vector<ProgramOutcome> run_all(const std::vector<Arguments>& lines,
                                           const Surroundings& surroundings = {}) {
  constexpr std::size_t at_once = 4;
  std::vector<ProgramOutcome> outcomes;
  std::deque<Program> running;
  for (const Arguments& line : lines) {
    running.emplace_back(line, surroundings);
    if (running.size() < at_once) continue;
    outcomes.push_back(running.front().wait());
    running.pop_front();
  }
  for (Program& program : running) outcomes.push_back(program.wait());
  return outcomes;
}

// The program said, in one line on standard error that holds `words`, why it did not work.
inline ::testing::AssertionResult refused(const ProgramOutcome& outcome, int code,
                                          const std::vector<std::string>& words) {
  const auto lines = std::count(outcome.err.begin(), outcome.err.end(), '\n');
  const bool all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return outcome.err.find(word) != std::string::npos;
  });
  const bool one_line = lines == 1 && outcome.err.ends_with("\n");
  if (outcome.code == code && one_line && all && outcome.out.empty()) {
    return ::testing::AssertionSuccess();
  }
  auto failure = ::testing::AssertionFailure() << outcome << "\nwanted exit code " << code << ", ";
  failure << "nothing on stdout, and one line on stderr with:";
  for (const std::string& word : words) failure << " '" << word << "'";
  return failure;
}

inline ::testing::AssertionResult succeeded(const ProgramOutcome& outcome) {
  if (outcome.code == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << outcome;
}

}  // namespace reluctance
