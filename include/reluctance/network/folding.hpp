// The same function in fewer layers, for passes that ask nothing of the parameters.
#pragma once

#include "reluctance/network/network.hpp"

namespace reluctance {

// The network with what scales and shifts the channels of a Conv or Gemm worked into its weight and
// bias, where nothing else reads that layer's output or its tensors: batch normalisation costs
// nothing then. Logits and their derivatives in the input are the same to rounding; the parameters
// are others.
Network folded(const Network& network);

}  // namespace reluctance
