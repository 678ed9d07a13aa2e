// Values that flow forward along the edges of a network.
#pragma once

#include <utility>
#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance {

inline std::size_t at_index(int node) { return static_cast<std::size_t>(node); }

// Each value is dropped after its last reader, so that layers can reuse its memory.
class Wires {
 public:
  Wires(const Network& network, Tensor input);

  // The inputs of a node.
  Tensors take(std::size_t node);

  void put(std::size_t node, Tensor value) { values_[node] = std::move(value); }

  Tensor output() { return values_.empty() ? input_ : values_.back(); }

 private:
  const Network& network_;
  std::vector<std::size_t> last_reader_;  // of each node; of the input at the end
  Tensors values_;
  Tensor input_;
};

// x with the shape of N samples. Throws Error, naming `what`, if its elements do not fit.
Tensor as_samples(const Tensor& x, const Shape& sample, const char* what);

// N x output shape -> N x C.
Tensor as_logits(const Tensor& output);

}  // namespace reluctance
