// The wires between the processes: LibTorch's c10d, a store in rank 0 and Gloo.
#pragma once

#include <memory>

#include "heartbeat.hpp"
#include "reluctance/base/launch.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

class Connection {
 public:
  // Waits for all processes, two minutes at most. Throws Error (Kind::job).
  explicit Connection(const Launch& launch);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Heartbeat& heartbeat();

  // Both wait for all processes, and throw Interrupted when one is lost or asked to stop. `own` is
  // on the CPU, and of the same shape and type everywhere.
  Tensor rows(const Tensor& own);  // own: n; all of them: R x n
  void sum(Tensor& own);           // in its place

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reluctance
