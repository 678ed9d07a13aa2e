// How long jobs tell that they go on, and how they are asked to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace reluctance {

// Called by long jobs with the work done so far, out of `total` equal units; the receiver shows it
// and may throw to stop the job. An empty function is allowed everywhere.
using Progress = std::function<void(int64_t done, int64_t total)>;

// Adds up work that several threads finish.
class ProgressCounter {
 public:
  ProgressCounter(Progress progress, int64_t total)
      : progress_(std::move(progress)), total_(total) {}
  void add(int64_t units);

 private:
  Progress progress_;
  int64_t total_;
  int64_t done_ = 0;
  std::mutex mutex_;
};

// Thrown by a job that found interrupt_requested(), after it has brought its files in order.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(const std::string& how_to_go_on) : std::runtime_error(how_to_go_on) {}
};

// Asks the running job to stop at the next safe point. May be called from a signal handler.
void request_interrupt() noexcept;
bool interrupt_requested() noexcept;
void clear_interrupt() noexcept;

// Throws Interrupted if an interrupt was requested.
void check_interrupt();

}  // namespace reluctance
