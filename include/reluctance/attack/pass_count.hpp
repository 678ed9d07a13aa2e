// What an attack costs, counted in passes of one sample.
#pragma once

#include <atomic>
#include <cstdint>

#include "reluctance/network/passes.hpp"

namespace reluctance {

// One unit is one sample through one pass.
struct PassCount {
  int64_t forward = 0;   // samples through `forward`
  int64_t backward = 0;  // rows through `vector_jacobian`

  PassCount& operator+=(const PassCount& other) {
    forward += other.forward;
    backward += other.backward;
    return *this;
  }
};

// The passes of a network, counted. Several threads may use one.
class CountedPasses {
 public:
  explicit CountedPasses(const Network& network) : network_(network) {}

  const Network& network() const { return network_; }
  Pass forward(const Tensor& x, Keep keep) {
    forward_ += x.size(0);
    return reluctance::forward(network_, x, keep);
  }
  Tensor vector_jacobian(const Pass& pass, const Tensor& u) {
    backward_ += u.size(0);
    return reluctance::vector_jacobian(network_, pass, u);
  }
  PassCount count() const { return {forward_, backward_}; }

 private:
  const Network& network_;
  std::atomic<int64_t> forward_ = 0;
  std::atomic<int64_t> backward_ = 0;
};

}  // namespace reluctance
