#include "job.hpp"

#include <ATen/Parallel.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "arrays.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/device.hpp"

namespace reluctance::python {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds heartbeat{50};  // how often signals and progress are looked at
constexpr std::chrono::milliseconds patience{1500};
constexpr int exit_interrupted = 130;  // 128 + SIGINT, as shells count

// What all jobs of the process share. LibTorch's number of threads is the process's, and so is the
// library's request to stop.
class Process {
 public:
  // With the number of threads that the caller finds.
  void begin(int threads) {
    const std::lock_guard lock(mutex_);
    if (running_++ > 0) return;
    threads_ = threads;
    clear_interrupt();  // of a job that ended by itself meanwhile
  }
  // On the thread of the job.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      if (--running_ == 0) {
        at::set_num_threads(threads_);
        clear_interrupt();
      }
    }
    ended_.notify_all();
  }
  // Whether all jobs have ended that were asked to stop, within a heartbeat.
  bool wait_until_free() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, heartbeat,
                           [this] { return running_ == 0 || !interrupt_requested(); });
  }
  bool busy() {
    const std::lock_guard lock(mutex_);
    return running_ > 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_ = 0;
  int threads_ = 1;
};

alignas(Process) std::byte process_memory[sizeof(Process)];
Process& process() { return *std::launder(reinterpret_cast<Process*>(process_memory)); }

// What a job and whoever waits for it share.
struct Shared {
  std::function<void(const Parts& parts)> work;
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::exception_ptr failure;
  std::string part;
  int64_t units_done = 0, units = 0;
  int64_t told = 0;  // how often the progress was set
};

Progress receiver_of(const std::shared_ptr<Shared>& shared, const std::string& name) {
  return [shared, name](int64_t done, int64_t total) {
    const std::lock_guard lock(shared->mutex);
    shared->part = name;
    shared->units_done = done;
    shared->units = total;
    ++shared->told;
  };
}

void run_on_this_thread(const std::shared_ptr<Shared>& shared, int threads) {
  std::exception_ptr failure;
  try {
    at::set_num_threads(threads);
    shared->work([&](const std::string& name) { return receiver_of(shared, name); });
  } catch (...) {
    failure = std::current_exception();
  }
  process().end();
  {
    const std::lock_guard lock(shared->mutex);
    shared->failure = failure;
    shared->done = true;
  }
  shared->changed.notify_all();
}

// Throws what Python raised for a signal.
void hear_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

class Waiting {
 public:
  Waiting(const std::shared_ptr<Shared>& shared, const py::object& progress)
      : shared_(shared), progress_(progress) {}

  void until_done() {
    while (!done_within(heartbeat)) {
      hear_signals();
      tell();
    }
    tell();
  }

  bool done_within(std::chrono::milliseconds time) {
    const py::gil_scoped_release release;
    std::unique_lock lock(shared_->mutex);
    return shared_->changed.wait_for(lock, time, [this] { return shared_->done; });
  }

 private:
  void tell() {
    if (progress_.is_none()) return;
    std::string part;
    int64_t done = 0, all = 0;
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->told == heard_) return;
      heard_ = shared_->told;
      part = shared_->part;
      done = shared_->units_done;
      all = shared_->units;
    }
    progress_(part, done, all);
  }

  std::shared_ptr<Shared> shared_;
  py::object progress_;
  int64_t heard_ = 0;
};

}  // namespace

void run_work(const JobSettings& settings, std::function<void(const Parts& parts)> work) {
  const auto free = [] {
    const py::gil_scoped_release release;
    return process().wait_until_free();
  };
  while (!free()) hear_signals();
  const auto shared = std::make_shared<Shared>();
  shared->work = std::move(work);
  const int threads = settings.threads > 0 ? settings.threads : available_threads();
  process().begin(at::get_num_threads());
  std::thread worker(run_on_this_thread, shared, threads);
  Waiting waiting(shared, settings.progress);
  try {
    waiting.until_done();
  } catch (...) {
    request_interrupt();
    if (waiting.done_within(patience)) {
      worker.join();
    } else {
      worker.detach();
    }
    throw;
  }
  worker.join();
  release_buffers();
  if (shared->failure) std::rethrow_exception(shared->failure);
}

void prepare_jobs() {
  new (process_memory) Process;
  // A child of a fork has no jobs, whatever its parent was doing.
  ::pthread_atfork(nullptr, nullptr, [] {
    new (process_memory) Process;
    clear_interrupt();
  });
  // A step that was left to end alone must not meet the end of the libraries that it uses.
  Py_AtExit([] {
    if (!process().busy()) return;
    std::fflush(nullptr);
    std::_Exit(exit_interrupted);
  });
}

}  // namespace reluctance::python
