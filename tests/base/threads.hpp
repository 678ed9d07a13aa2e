// Threads and interrupts that a test asks for, taken back when it ends.
#pragma once

#include <ATen/Parallel.h>

#include "reluctance/base/progress.hpp"

namespace reluctance {

class Threads {
 public:
  explicit Threads(int used) : before_(at::get_num_threads()) { at::set_num_threads(used); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

class InterruptRequest {
 public:
  InterruptRequest() { request_interrupt(); }
  ~InterruptRequest() { clear_interrupt(); }
  InterruptRequest(const InterruptRequest&) = delete;
  InterruptRequest& operator=(const InterruptRequest&) = delete;
};

}  // namespace reluctance
