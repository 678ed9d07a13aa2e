// The processes that a program runs as, one or several, and what they tell each other.
//
// All of them run the same program on the same data, and all know every result: they differ in the
// share of the work that they do (base/shares.hpp), and only the first one writes files.
// They talk by LibTorch's c10d: Gloo, and a store in the first process that also tells of processes
// that have ended or hang. Nothing here may be called from several threads at once.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "reluctance/base/launch.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Whether this build can be several processes: it needs the headers of LibTorch's Gloo.
bool can_be_several();

// Says who this process is. Until then, and for ever where that is never called, it is alone.
void set_launch(const Launch& launch);
const Launch& launch();
inline bool is_first_process() { return launch().rank == 0; }

// Waits for the others and connects to them, once; nothing happens if this process is alone. Throws
// Error (Kind::job) if they do not come within two minutes.
void join_processes();

// Leaves the others, whatever they are at; nothing happens if it has not joined. Rank 0, who has
// the store, waits some seconds for them. False if threads are left that may still wait for
// processes that are gone: then the program must end by _Exit.
bool leave_processes();

// Whether work is divided now: several processes have joined, and this thread is not at its share
// of something that is already.
bool divides();

// While it lives, what this thread calls is not divided further.
class OwnShare {
 public:
  OwnShare();
  ~OwnShare();
  OwnShare(const OwnShare&) = delete;
  OwnShare& operator=(const OwnShare&) = delete;

 private:
  bool before_;
};

// What follows is called by all processes alike, in the same order, and waits for the others. It
// throws Interrupted if one of them is asked to stop, fails, ends or hangs.

// The tensors of each process, in the order of their ranks: any number, shapes and types. They come
// on `device`, or on the CPU where they were there; undefined ones stay so.
std::vector<Tensors> gather(const Tensors& own, const c10::Device& device);

// The sums over the processes of tensors whose number, shapes and types are the same everywhere:
// the same bits for the same number of processes. Float32 is added in float32, all else in float64.
Tensors sum_over_processes(const Tensors& own);

// Waits until all have come as far.
void await_processes();

// Throws Error naming `what` unless all processes give the same text.
void require_agreement(const std::string& what, const std::string& text);

// What this process is at, for the message if it ends or hangs.
void tell_activity(const std::string& activity);

// Why all must end.
struct Fault {
  // A process that failed, ended or hangs, with its rank and what it was at; empty while all is
  // well.
  std::string text{};
  bool first_is_lost = false;  // and cannot say it
};
Fault fault_of_processes();

// Tells the others that this process has failed. False if rank 0 has failed by the same words, and
// has told of it.
bool report_failure(const std::string& message);

}  // namespace reluctance
