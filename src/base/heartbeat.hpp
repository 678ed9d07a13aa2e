// How processes know that the others live: each leaves a mark in the store of rank 0, again and
// again, which says what it is at; who leaves none for a while has ended or hangs. A process that
// fails, or is asked to stop, leaves word there, too. What a fault asks of the others is to stop at
// their next safe point, as Ctrl-C does; those that do not come to one are ended. Who was asked to
// stop is missed no more.
#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reluctance/base/launch.hpp"
#include "reluctance/base/processes.hpp"

namespace reluctance {

class Heartbeat {
 public:
  // store: a connection of its own, which blocks where rank 0 does not answer.
  Heartbeat(const Launch& launch, c10::intrusive_ptr<c10d::Store> store);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void tell(const std::string& activity);
  Fault fault() const;

  // A connection broke: whoever is silent now is so for a reason.
  void suspect() { silence_ = looks_in(std::chrono::seconds(4)); }

  // It broke, and nobody is silent: this is the fault, then.
  void broken(const std::string& reason);

  // Leaves word of a failure of this process; false if rank 0 has failed by the same words.
  bool report(const std::string& message);

  // Tells that this process needs the others no more. Rank 0 waits for all of them, some seconds at
  // most.
  void leave();

 private:
  // Time is counted in the looks of the watch. It stands still while the whole process does, by
  // Ctrl-Z or a scheduler that suspends the job, which does not make the others silent.
  using Looks = int64_t;
  static constexpr std::chrono::milliseconds between_looks{200};
  static constexpr Looks looks_in(std::chrono::seconds time) { return time / between_looks; }

  void beat();   // on its own thread: leaves marks and reads those of others
  void watch();  // on its own thread: looks at the time alone
  void exchange(int64_t count);
  void look_at(int rank);
  void find(const Fault& fault);
  void announce(const Fault& fault);
  void end_if_stuck(Looks now);
  std::string activity() const;
  void rest(std::chrono::milliseconds time, const std::atomic<bool>& flag, bool until);
  bool left(int rank);
  void stop();

  const Launch launch_;
  c10::intrusive_ptr<c10d::Store> store_;
  struct Seen {
    std::string mark, activity = "its beginning";
    Looks when = 0;
  };
  std::vector<Seen> seen_;  // the beating thread's own
  std::atomic<Looks> looks_{0}, silence_{looks_in(std::chrono::seconds(12))};
  std::atomic<Looks> answered_{0};     // by the store
  std::optional<Looks> found_, told_;  // a fault, to stop: the watching thread's own
  std::atomic<bool> stopping_{false}, watched_{true}, leaving_{false};
  std::atomic<bool> asked_{false};  // one of the processes, to stop
  mutable std::mutex mutex_;        // of the next two
  std::string activity_ = "its beginning";
  Fault fault_;
  std::condition_variable wake_;
  std::thread beating_, watching_;
};

}  // namespace reluctance
