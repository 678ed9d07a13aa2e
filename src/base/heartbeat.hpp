// How processes know that the others live: each leaves a mark in the store of rank 0, again and
// again, which says what it is at; who leaves none for a while has ended or hangs. A process that
// fails, or is asked to stop, leaves word there, too. What a fault asks of the others is to stop at
// their next safe point, as Ctrl-C does; those that do not come to one are ended.
#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "reluctance/base/launch.hpp"

namespace reluctance {

class Heartbeat {
 public:
  // store: a connection of its own, which blocks where rank 0 does not answer.
  Heartbeat(const Launch& launch, c10::intrusive_ptr<c10d::Store> store);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void tell(const std::string& activity);
  std::string fault() const;

  // A connection broke: whoever is silent now is so for a reason.
  void suspect() { silence_ = std::chrono::seconds(4); }

  // Leaves word of a failure of this process; false if rank 0 has failed by the same words.
  bool report(const std::string& message);

  // Tells that this process needs the others no more. Rank 0 waits for all of them, some seconds at
  // most.
  void leave();

 private:
  using Clock = std::chrono::steady_clock;

  void beat();   // on its own thread: leaves marks and reads those of others
  void watch();  // on its own thread: looks at clocks alone
  void exchange(int64_t count);
  void look_at(int rank);
  void find(const std::string& fault);
  std::string activity() const;
  void rest(std::chrono::milliseconds time, const std::atomic<bool>& flag, bool until);
  bool left(int rank);
  void stop();

  const Launch launch_;
  c10::intrusive_ptr<c10d::Store> store_;
  struct Seen {
    std::string mark, activity = "its beginning";
    Clock::time_point when = Clock::now();
  };
  std::vector<Seen> seen_;  // the beating thread's own
  std::atomic<std::chrono::seconds> silence_{std::chrono::seconds(12)};
  std::atomic<Clock::time_point> answered_{Clock::now()};  // by the store
  std::atomic<bool> stopping_{false}, watched_{true}, leaving_{false};
  mutable std::mutex mutex_;  // of the next two
  std::string activity_ = "its beginning";
  std::string fault_;
  std::condition_variable wake_;
  std::thread beating_, watching_;
};

}  // namespace reluctance
