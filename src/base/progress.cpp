#include "reluctance/base/progress.hpp"

#include <atomic>

namespace reluctance {
namespace {

std::atomic<bool> interrupt{false};
std::atomic<bool> noticed{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores to it");

}  // namespace

void ProgressCounter::add(int64_t units) {
  done_ += units;
  if (std::this_thread::get_id() == owner_) tell();
}

void ProgressCounter::tell() const {
  if (progress_) progress_(done_, total_);
}

void request_interrupt() noexcept { interrupt.store(true); }

bool interrupt_requested() noexcept { return interrupt.load(); }

void clear_interrupt() noexcept {
  interrupt.store(false);
  noticed.store(false);
}

bool interrupt_noticed() noexcept { return noticed.load(); }

void check_interrupt() {
  if (!interrupt_requested()) return;
  noticed.store(true);
  throw Interrupted("stopped; nothing was left half-written");
}

}  // namespace reluctance
