#include "connection.hpp"

#ifdef RELUCTANCE_HAS_GLOO

#include <ATen/ATen.h>

#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <thread>
#include <utility>

#include "reluctance/base/error.hpp"
#include "reluctance/base/progress.hpp"

namespace reluctance {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds to_join{120};
// Processes wait for each other as long as it takes: the heartbeat knows who is lost.
constexpr std::chrono::hours to_work{24 * 365};

std::string place_of(const Launch& launch) {
  return launch.address + ":" + std::to_string(launch.port);
}

// Whether somebody listens where rank 0 should.
bool is_served(const Launch& launch) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* places = nullptr;
  const std::string port = std::to_string(launch.port);
  if (::getaddrinfo(launch.address.c_str(), port.c_str(), &wanted, &places) != 0) return false;
  bool served = false;
  for (const addrinfo* place = places; place && !served; place = place->ai_next) {
    const int socket =
        ::socket(place->ai_family, place->ai_socktype | SOCK_CLOEXEC, place->ai_protocol);
    if (socket < 0) continue;
    served = ::connect(socket, place->ai_addr, place->ai_addrlen) == 0;
    ::close(socket);
  }
  ::freeaddrinfo(places);
  return served;
}

// A store that comes before its server sleeps a second between its tries, and takes Ctrl-C for an
// error.
void await_server(const Launch& launch) {
  for (const auto end = Clock::now() + to_join; !is_served(launch) && Clock::now() < end;) {
    check_interrupt();
    std::this_thread::sleep_for(milliseconds(20));
  }
}

c10::intrusive_ptr<c10d::Store> open_store(const Launch& launch, bool serves) {
  if (!serves) await_server(launch);
  c10d::TCPStoreOptions options;
  options.port = launch.port;
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = std::chrono::duration_cast<milliseconds>(to_join);
  // Another job's processes may come to the same port, and do not find each other then.
  return c10::make_intrusive<c10d::PrefixStore>(
      "reluctance/" + launch.job, c10::make_intrusive<c10d::TCPStore>(launch.address, options));
}

std::string names_of_missing(c10d::Store& store, const Launch& launch) {
  constexpr int most = 10;
  std::string names;
  int missing = 0;
  for (int rank = 0; rank < launch.count; ++rank) {
    if (store.check({"here/" + std::to_string(rank)})) continue;
    if (++missing <= most) names += " " + std::to_string(rank);
  }
  return missing > most ? names + " and " + std::to_string(missing - most) + " more" : names;
}

// All must be there before the heartbeat looks for them.
void await_all(c10d::Store& store, const Launch& launch) {
  if (store.add("here/" + std::to_string(launch.rank), 1) > 1) {
    throw Error("rank " + std::to_string(launch.rank) + " is at " + place_of(launch) +
                    " already; if that is another run, give each a MASTER_PORT of its own",
                Error::Kind::job);
  }
  store.add("here", 1);
  const auto end = Clock::now() + to_join;
  while (store.add("here", 0) < launch.count) {
    check_interrupt();
    if (Clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(20));
      continue;
    }
    throw Error("of " + std::to_string(launch.count) + " processes these did not come to " +
                    place_of(launch) + " within two minutes: rank" +
                    names_of_missing(store, launch),
                Error::Kind::job);
  }
}

bool is_loopback(const std::string& address) {
  return address == "localhost" || address.starts_with("127.");
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> open_group(
    const Launch& launch, const c10::intrusive_ptr<c10d::Store>& store) {
  auto options =
      c10d::ProcessGroupGloo::Options::create(std::chrono::duration_cast<milliseconds>(to_work));
  const std::string interface = variable_of_process("GLOO_SOCKET_IFNAME");
  options->devices.push_back(
      !interface.empty()            ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
      : is_loopback(launch.address) ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                    : c10d::ProcessGroupGloo::createDefaultDevice());
  options->threads = 1;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, launch.rank, launch.count, options);
}

// Where processes leave no core idle, each message wakes a thread that takes the core from another
// one at work, and so do those that it wakes in turn: a sum took 1.6 ms in place of 0.4. Threads of
// this class (sched(7)) wait for their turn; those that start from here on are of it, too.
void keep_processors() {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  const sched_param none{};
  static_cast<void>(::sched_setscheduler(0, SCHED_BATCH, &none));  // it is as well without
}

}  // namespace

struct Connection::Parts {
  c10::intrusive_ptr<c10d::Store> store;
  std::unique_ptr<Heartbeat> heartbeat;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group;

  // Waits, in steps, so that a lost process or Ctrl-C ends it.
  void finish(const c10::intrusive_ptr<c10d::Work>& work) const {
    constexpr milliseconds step{300};
    constexpr seconds to_know{25};  // who is lost
    for (;;) {
      try {
        work->wait(step);
        return;
      } catch (const std::exception& error) {
        check_interrupt();
        // It was late, and may have come since: the next wait says so.
        if (!work->isCompleted() || work->isSuccess()) continue;
        heartbeat->suspect();
        for (const auto end = Clock::now() + to_know; Clock::now() < end;) {
          check_interrupt();
          std::this_thread::sleep_for(step);
        }
        heartbeat->broken(first_line(error.what()));
        check_interrupt();
      }
    }
  }
};

Connection::Connection(const Launch& launch) : parts_(std::make_unique<Parts>()) {
  keep_processors();
  try {
    parts_->store = open_store(launch, launch.rank == 0);
    await_all(*parts_->store, launch);
    parts_->heartbeat = std::make_unique<Heartbeat>(launch, open_store(launch, false));
    parts_->group = open_group(launch, parts_->store);
  } catch (const Error&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw Error((launch.rank == 0 ? "cannot listen at " : "cannot reach rank 0 at ") +
                    place_of(launch) +
                    ", as MASTER_ADDR and MASTER_PORT say: " + first_line(error.what()),
                Error::Kind::job);
  }
}

Connection::~Connection() = default;

Heartbeat& Connection::heartbeat() { return *parts_->heartbeat; }

Tensor Connection::rows(const Tensor& own) {
  const Tensor all = own.new_empty({parts_->group->getSize(), own.numel()});
  std::vector<std::vector<Tensor>> rows{all.unbind()};
  std::vector<Tensor> inputs{own};
  parts_->finish(parts_->group->allgather(rows, inputs));
  return all;
}

void Connection::sum(Tensor& own) {
  std::vector<Tensor> sums{own};
  parts_->finish(parts_->group->allreduce(sums));
}

}  // namespace reluctance

#else

#include "reluctance/base/error.hpp"

namespace reluctance {

struct Connection::Parts {};

Connection::Connection(const Launch&) {
  throw Error(
      "this program was built without Gloo, and is one process alone; install its headers "
      "(libgloo-dev) and build it again, or start it without a launcher",
      Error::Kind::job);
}
Connection::~Connection() = default;
Heartbeat& Connection::heartbeat() { std::abort(); }
Tensor Connection::rows(const Tensor& own) { return own; }
void Connection::sum(Tensor&) {}

}  // namespace reluctance

#endif
