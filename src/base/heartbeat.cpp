#include "heartbeat.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "reluctance/base/printable.hpp"
#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Together with the silence after which a process counts as lost, less than half a minute.
constexpr seconds grace{8};  // to come to a safe point, and save what is known

// After a request to stop, as in one process (cli/program.cpp).
constexpr seconds patience{2};
constexpr int interrupted = 130;  // 128 + SIGINT, as shells count

constexpr milliseconds between_beats{500};

std::string name_of(int rank) { return "rank " + std::to_string(rank); }
std::string key(const char* what, int rank) { return std::string(what) + std::to_string(rank); }

std::vector<std::uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

// What another process has left may hold anything.
std::string text_of(const std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t most = 2000;
  return printable({bytes.begin(), bytes.begin() + std::min(bytes.size(), most)});
}

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

Fault Heartbeat::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

// The first one counts: what follows may be its consequence. So may what follows a request to stop.
void Heartbeat::find(const Fault& fault) {
  {
    const std::lock_guard lock(mutex_);
    if (fault_.text.empty() && !asked_) fault_ = fault;
  }
  request_interrupt();
}

// For all.
void Heartbeat::announce(const Fault& fault) {
  if (!store_->check({"fault"})) store_->set("fault", bytes(fault.text));
  find(fault);
}

void Heartbeat::broken(const std::string& reason) {
  const std::string text = name_of(launch_.rank) + ", at " + activity() +
                           ": lost the connection to another process: " + reason;
  try {
    announce({text});
  } catch (const std::exception&) {
    find({text});  // the store is gone, too
  }
}

void Heartbeat::rest(milliseconds time, const std::atomic<bool>& flag, bool until) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [&] { return flag == until; });
}

void Heartbeat::beat() {
  try {
    for (int64_t count = 0; !stopping_; ++count) {
      exchange(count);
      answered_ = looks_.load();
      rest(between_beats, stopping_, true);
    }
  } catch (const std::exception&) {
    if (!stopping_) find({name_of(0) + " has ended; it was at: " + seen_[0].activity, true});
  }
}

void Heartbeat::exchange(int64_t count) {
  store_->set(key("at/", launch_.rank), bytes(std::to_string(count) + " " + activity()));
  if (store_->check({"fault"})) {
    find({text_of(store_->get("fault"))});
  } else if (store_->check({"interrupt"})) {
    asked_ = true;
    request_interrupt();
  } else if (interrupt_requested() && fault().text.empty()) {
    asked_ = true;
    store_->set("interrupt", bytes("asked"));
  }
  if (asked_) return;
  // The first looks after all, and all after the first.
  if (launch_.rank > 0) return look_at(0);
  for (int rank = 1; rank < launch_.count; ++rank) look_at(rank);
}

bool Heartbeat::left(int rank) { return store_->check({key("left/", rank)}); }

void Heartbeat::look_at(int rank) {
  Seen& seen = seen_[static_cast<std::size_t>(rank)];
  if (store_->check({key("at/", rank)})) {
    std::string mark = text_of(store_->get(key("at/", rank)));
    if (mark != seen.mark) {
      seen.activity = mark.substr(mark.find(' ') + 1);
      seen.mark = std::move(mark);
      seen.when = looks_;
    }
  }
  if (looks_ - seen.when < silence_ || left(rank)) return;
  announce({name_of(rank) + " has ended or hangs; it was at: " + seen.activity, rank == 0});
}

void Heartbeat::watch() {
  while (watched_) {
    rest(between_looks, watched_, false);
    const Looks now = ++looks_;
    if (now - answered_ > silence_) {
      find({name_of(0) + " has ended or hangs, or the network between", true});
    }
    end_if_stuck(now);
  }
}

// What came to no safe point; whoever is on its way out from one has files to bring in order, if it
// is the first.
void Heartbeat::end_if_stuck(Looks now) {
  if (!interrupt_requested() || (interrupt_noticed() && launch_.rank == 0)) return;
  const std::string known = fault().text;
  std::optional<Looks>& since = known.empty() ? told_ : found_;
  if (!since) since = now;
  if (known.empty() && (interrupt_noticed() || leaving_)) return;
  if (now - *since < looks_in(known.empty() ? patience : grace)) return;
  const std::string text = "reluctance: " + (known.empty() ? "" : name_of(launch_.rank) + ": ") +
                           "stopped in the middle of a step" +
                           (known.empty() ? "; what was saved before stays" : ": " + known) + "\n";
  const bool speaks = known.empty() ? launch_.rank == 0 : !leaving_;
  if (speaks) static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) > 0);
  std::_Exit(known.empty() ? interrupted : 1);
}

bool Heartbeat::report(const std::string& message) {
  constexpr seconds for_first{2};
  try {
    const std::string fault = name_of(launch_.rank) + ", at " + activity() + ": " + message;
    store_->set(key("failed/", launch_.rank), bytes(message));
    if (!store_->check({"fault"})) store_->set("fault", bytes(fault));
    if (launch_.rank == 0) return true;
    const auto end = Clock::now() + for_first;
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
  const seconds wait{fault().text.empty() ? 10 : 3};  // whoever is lost does not leave
  try {
    if (interrupt_requested() && fault().text.empty()) store_->set("interrupt", bytes("asked"));
    if (launch_.rank > 0) {
      store_->set(key("left/", launch_.rank), bytes("left"));
    } else {
      const auto end = Clock::now() + wait;
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
