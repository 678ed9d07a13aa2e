#include "cli/console.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "reluctance/base/printable.hpp"
#include "reluctance/base/processes.hpp"

namespace reluctance {

std::string one_line(std::string text) {
  // Names from files can be as long as they like.
  constexpr std::size_t most = 2000;
  if (text.size() > most) text.replace(most / 2, text.size() - most, " [...] ");
  return printable(std::move(text));
}

void note(const std::string& text) {
  if (is_first_process()) std::fprintf(stderr, "%s\n", one_line(text).c_str());
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_) {
  tell_activity(label_);
}

ProgressBar::~ProgressBar() {
  if (!visible_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::fprintf(stderr, terminal_ ? "\r\033[K%s: %s\n" : "%s: %s\n", label_.c_str(),
               duration(seconds).c_str());
}

void ProgressBar::update(int64_t done, int64_t total) {
  const Clock::time_point now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (elapsed < 1 || since < (terminal_ ? 0.1 : 10.0) || total <= 0) return;
  shown_ = now;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  // The first steps tell little: threads start, and pieces differ.
  const bool known = share >= 0.02 || (share > 0 && elapsed > 10);
  const std::string left =
      known ? duration(elapsed * (1 - share) / share) + " left" : std::string("starting");
  const int percent = static_cast<int>(100 * share);
  tell_activity(label_ + ", " + std::to_string(percent) + "%");
  visible_ = is_first_process();
  if (!visible_) return;
  if (!terminal_) {
    std::fprintf(stderr, "%s: %d%%, %s\n", label_.c_str(), percent, left.c_str());
    return;
  }
  constexpr int width = 30;
  const int filled = std::clamp(static_cast<int>(share * width), 0, width);
  std::fprintf(stderr, "\r\033[K%s [%s%s] %d%%, %s", label_.c_str(),
               std::string(filled, '=').c_str(), std::string(width - filled, ' ').c_str(), percent,
               left.c_str());
}

Progress ProgressBar::receiver() {
  return [this](int64_t done, int64_t total) { update(done, total); };
}

}  // namespace reluctance
