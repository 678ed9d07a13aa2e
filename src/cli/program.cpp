#include "cli/program.hpp"

#include <ATen/Parallel.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/run_record.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {
namespace {

constexpr const char* out_of_memory =
    "out of memory; use fewer samples with --limit, or a smaller network";

constexpr int exit_job_failed = 1;
constexpr int exit_bad_input = 2;
constexpr int exit_interrupted = 130;  // 128 + SIGINT, as shells count

// Some steps cannot be left: one large decomposition, for example. They are given that long.
constexpr unsigned patience = 2;  // seconds

// When this process was first told to stop, by the monotonic clock in nanoseconds; 0: not yet.
std::atomic<int64_t> told{0};
static_assert(std::atomic<int64_t>::is_always_lock_free, "a signal handler stores to it");

// Launchers pass on the signal that the terminal has sent already, and ask those that save what is
// known to end, too.
bool repeated_by_launcher(int signal, int64_t since) {
  constexpr int64_t at_once = 1'000'000'000;
  return launch().count > 1 && (since < at_once || (signal == SIGTERM && interrupt_noticed()));
}

extern "C" void on_interrupt(int signal) {
  timespec clock{};
  ::clock_gettime(CLOCK_MONOTONIC, &clock);
  const int64_t now = int64_t{clock.tv_sec} * 1'000'000'000 + clock.tv_nsec;
  int64_t first = 0;
  if (told.compare_exchange_strong(first, now)) {
    request_interrupt();
    ::alarm(patience);
  } else if (!repeated_by_launcher(signal, now - first)) {
    std::_Exit(exit_interrupted);  // asked twice: at once
  }
}

extern "C" void on_alarm(int) {
  if (interrupt_noticed()) return;  // on its way out, with files to bring in order
  constexpr std::string_view text =
      "reluctance: stopped in the middle of a step; what was saved before stays\n";
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) > 0);
  std::_Exit(exit_interrupted);
}

// Of several processes that fail alike, the first one says so.
void fail(const std::string& message) {
  if (!report_failure(message)) return;
  const std::string who = is_first_process() ? "" : "rank " + std::to_string(launch().rank) + ": ";
  std::fprintf(stderr, "%s\n", one_line("reluctance: " + who + message).c_str());
}

// Asked to stop, or stopped because another process was lost or has failed, which has told of
// itself if it could.
int stopped(const Interrupted& how_to_go_on) {
  const Fault fault = fault_of_processes();
  const std::string message = (fault.text.empty() ? "" : fault.text + "; ") + how_to_go_on.what();
  if (is_first_process()) {
    note("reluctance: " + message);
  } else if (fault.first_is_lost) {
    fail(message);
  }
  return fault.text.empty() ? exit_interrupted : exit_job_failed;
}

// Names of all options that the chosen subcommand knows.
std::vector<std::string> known_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* chosen : app.get_subcommands()) {
    for (const CLI::Option* option : chosen->get_options()) names.push_back(option->get_name());
  }
  return names;
}

std::string with_suggestion(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  // A word that is no subcommand leaves the subcommand missing.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) ||
      dynamic_cast<const CLI::RequiredError*>(&error)) {
    const auto& rest =
        app.get_subcommands().empty() ? app.remaining() : app.get_subcommands()[0]->remaining();
    std::vector<std::string> known = known_options(app);
    if (app.get_subcommands().empty()) {
      for (const CLI::App* each : app.get_subcommands({})) known.push_back(each->get_name());
    }
    if (!rest.empty()) {
      message = "unknown option or word '" + rest.front() + "'";
      const std::string guess = nearest(rest.front(), known);
      if (!guess.empty()) message += "; did you mean " + guess + "?";
    }
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    message = message.substr(0, message.find(':')) + " lacks its value, or is given twice";
  }
  const std::string command =
      app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return message + " (see reluctance" + command + " --help)";
}

int run(int argc, char** argv) {
  CLI::App app{"Why is adversarial training of this ReLU network hard, and what to do about it?",
               "reluctance"};
  app.set_version_flag("--version", program_name());
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  add_explain(app);
  add_train(app);
  add_evaluate(app);
  add_distances(app);
  add_dynamics(app);
  add_influence(app);
  add_curvature(app);
  add_findings(app);
  add_paper(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fail(with_suggestion(app, error));
    return exit_bad_input;
  }
}

int run_and_report(int argc, char** argv) {
  try {
    set_launch(read_launch());
    if (!is_first_process() && !std::freopen("/dev/null", "w", stdout)) {
      throw Error(std::string("/dev/null cannot be opened: ") + std::strerror(errno),
                  Error::Kind::job);
    }
    const int code = run(argc, argv);
    await_processes();
    if (code == 0 && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
      fail("standard output cannot be written; is its disk full, or its reader gone?");
      return exit_job_failed;
    }
    return code;
  } catch (const Error& error) {
    fail(error.what());
    return error.kind() == Error::Kind::input ? exit_bad_input : exit_job_failed;
  } catch (const Interrupted& how_to_go_on) {
    return stopped(how_to_go_on);
  } catch (const std::bad_alloc&) {
    fail(out_of_memory);
    return exit_job_failed;
  } catch (const std::exception& error) {
    fail(says_out_of_memory(error.what()) ? out_of_memory : first_line(error.what()));
    return exit_job_failed;
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  // Big tensors come and go all the time: keep their pages instead of asking the system each time.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGALRM, on_alarm);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // writing beyond a limit of the system then fails with a reason
  remember_command_line(argc, argv);
  const int code = run_and_report(argc, argv);
  if (!leave_processes()) {
    std::fflush(nullptr);
    std::_Exit(code);
  }
  return code;
}

}  // namespace reluctance
