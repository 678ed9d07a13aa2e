#include "heartbeat.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Together with the silence after which a process counts as lost, less than half a minute.
constexpr seconds grace{8};  // to come to a safe point, and save what is known

constexpr milliseconds between_beats{500};
constexpr milliseconds between_looks{200};

std::string name_of(int rank) { return "rank " + std::to_string(rank); }
std::string key(const char* what, int rank) { return std::string(what) + std::to_string(rank); }

std::vector<std::uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

Heartbeat::Heartbeat(const Launch& launch, c10::intrusive_ptr<c10d::Store> store)
    : launch_(launch),
      store_(std::move(store)),
      seen_(static_cast<std::size_t>(launch.count)),
      beating_([this] { beat(); }),
      watching_([this] { watch(); }) {}

Heartbeat::~Heartbeat() { stop(); }

// While the beating thread may still wait for rank 0, the watch goes on.
void Heartbeat::stop() {
  stopping_ = true;
  wake_.notify_all();
  if (beating_.joinable()) beating_.join();
  watched_ = false;
  wake_.notify_all();
  if (watching_.joinable()) watching_.join();
}

void Heartbeat::tell(const std::string& activity) {
  const std::lock_guard lock(mutex_);
  activity_ = activity;
}

std::string Heartbeat::activity() const {
  const std::lock_guard lock(mutex_);
  return activity_;
}

std::string Heartbeat::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

// The first one counts: what follows may be its consequence.
void Heartbeat::find(const std::string& fault) {
  {
    const std::lock_guard lock(mutex_);
    if (fault_.empty()) fault_ = fault;
  }
  request_interrupt();
}

void Heartbeat::rest(milliseconds time, const std::atomic<bool>& flag, bool until) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [&] { return flag == until; });
}

void Heartbeat::beat() {
  try {
    for (int64_t count = 0; !stopping_; ++count) {
      exchange(count);
      answered_ = Clock::now();
      rest(between_beats, stopping_, true);
    }
  } catch (const std::exception&) {
    if (!stopping_) find(name_of(0) + " has ended; it was at: " + seen_[0].activity);
  }
}

void Heartbeat::exchange(int64_t count) {
  store_->set(key("at/", launch_.rank), bytes(std::to_string(count) + "\n" + activity()));
  if (store_->check({"fault"})) {
    const std::vector<std::uint8_t> text = store_->get("fault");
    find({text.begin(), text.end()});
  } else if (store_->check({"interrupt"})) {
    request_interrupt();
  } else if (interrupt_requested() && fault().empty()) {
    store_->set("interrupt", bytes("asked"));
  }
  // The first looks after all, and all after the first.
  if (launch_.rank > 0) return look_at(0);
  for (int rank = 1; rank < launch_.count; ++rank) look_at(rank);
}

bool Heartbeat::left(int rank) { return store_->check({key("left/", rank)}); }

void Heartbeat::look_at(int rank) {
  Seen& seen = seen_[static_cast<std::size_t>(rank)];
  if (store_->check({key("at/", rank)})) {
    const std::vector<std::uint8_t> text = store_->get(key("at/", rank));
    std::string mark(text.begin(), text.end());
    if (mark != seen.mark) {
      seen.activity = mark.substr(mark.find('\n') + 1);
      seen.mark = std::move(mark);
      seen.when = Clock::now();
    }
  }
  if (Clock::now() - seen.when < silence_.load() || left(rank)) return;
  const std::string fault = name_of(rank) + " has ended or hangs; it was at: " + seen.activity;
  if (!store_->check({"fault"})) store_->set("fault", bytes(fault));
  find(fault);
}

void Heartbeat::watch() {
  std::optional<Clock::time_point> found;
  while (watched_) {
    rest(between_looks, watched_, false);
    const Clock::time_point now = Clock::now();
    if (now - answered_.load() > silence_.load()) {
      find(name_of(0) + " has ended or hangs, or the network between");
    }
    const std::string known = fault();
    if (known.empty()) continue;
    if (!found) found = now;
    if (now - *found < grace) continue;
    const std::string text = "reluctance: " + name_of(launch_.rank) +
                             ": stopped in the middle of a step: " + known + "\n";
    if (!leaving_) static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) > 0);
    std::_Exit(1);
  }
}

bool Heartbeat::report(const std::string& message) {
  constexpr seconds patience{2};
  try {
    const std::string fault = name_of(launch_.rank) + ", at " + activity() + ": " + message;
    store_->set(key("failed/", launch_.rank), bytes(message));
    if (!store_->check({"fault"})) store_->set("fault", bytes(fault));
    if (launch_.rank == 0) return true;
    const auto end = Clock::now() + patience;
    while (!store_->check({key("failed/", 0)})) {
      if (Clock::now() > end) return true;
      std::this_thread::sleep_for(between_looks);
    }
    return store_->get(key("failed/", 0)) != bytes(message);
  } catch (const std::exception&) {
    return true;  // the store is gone with rank 0
  }
}

void Heartbeat::leave() {
  leaving_ = true;
  const seconds patience{fault().empty() ? 10 : 3};  // whoever is lost does not leave
  try {
    if (interrupt_requested() && fault().empty()) store_->set("interrupt", bytes("asked"));
    if (launch_.rank > 0) {
      store_->set(key("left/", launch_.rank), bytes("left"));
    } else {
      const auto end = Clock::now() + patience;
      for (int rank = 1; rank < launch_.count; ++rank) {
        while (!left(rank) && Clock::now() < end) std::this_thread::sleep_for(milliseconds(20));
      }
    }
  } catch (const std::exception&) {
    // whom this would have told is gone
  }
  stop();
}

}  // namespace reluctance
