// What a person sees while the program runs: notes and progress, on standard error.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "reluctance/base/progress.hpp"

namespace reluctance {

// With a question mark for every control character: names from files must not end a line or steer
// the terminal.
std::string one_line(std::string text);

// One line, for example "reading model.onnx"; of several processes the first one says it.
void note(const std::string& text);

// "2 min 5 s".
std::string duration(double seconds);

// A bar with the time left on a terminal; a plain line every ten seconds otherwise. Nothing is
// shown for work that ends within a second, nor by other processes than the first.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(int64_t done, int64_t total);
  Progress receiver();

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point shown_;
  bool visible_ = false;
};

// A bar for each part of a job, one after the other.
class ProgressBars {
 public:
  Parts parts() {
    return [this](const std::string& name) {
      bar_.emplace(name);
      return bar_->receiver();
    };
  }

 private:
  std::optional<ProgressBar> bar_;
};

}  // namespace reluctance
