// How long jobs tell that they go on, and how they are asked to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace reluctance {

// Called by long jobs with the work done so far, out of `total` equal units, on the thread that
// began the job and under no lock. The receiver shows it and may throw to stop the job. An empty
// function is allowed everywhere.
using Progress = std::function<void(int64_t done, int64_t total)>;

// Called with the name of each part of a job as it begins; gives what receives that part's
// progress. An empty function is allowed here, too.
using Parts = std::function<Progress(const std::string& name)>;
inline Progress begin_part(const Parts& parts, const std::string& name) {
  return parts ? parts(name) : Progress();
}

// Adds up work that several threads finish; the one that made it tells.
class ProgressCounter {
 public:
  ProgressCounter(Progress progress, int64_t total)
      : progress_(std::move(progress)), total_(total) {}
  void add(int64_t units);
  void tell() const;

 private:
  Progress progress_;
  int64_t total_;
  std::atomic<int64_t> done_ = 0;
  std::thread::id owner_ = std::this_thread::get_id();
};

// What a job is given beside its subject.
struct Context {
  std::uint64_t seed = 0;  // of everything random
  Progress progress{};
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

// Whether the job has met the request and is on its way out.
bool interrupt_noticed() noexcept;

// Throws Interrupted if an interrupt was requested.
void check_interrupt();

}  // namespace reluctance
