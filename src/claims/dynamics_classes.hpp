// The classes that the theory of claim 1 follows: its matrices have a row for each, so that of many
// classes only those with a share in the probability are worth it.
#pragma once

#include "reluctance/base/samples.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// What the theory is asked about. The measurement is on the whole network.
struct Followed {
  Network network;   // its outputs are the classes that are followed
  Samples samples;   // with their labels among these
  int64_t left_out;  // classes
};

// All classes up to 100. Of more, those that are needed to hold all but 1e-6 of each sample's
// probability, and the labels. `samples`: inputs of the network. Throws Error if the theory of one
// sample on each thread takes more than options.memory.
Followed followed_classes(const Network& network, const Samples& samples,
                          const DynamicsOptions& options);

}  // namespace reluctance
