// What an attack is: a name, the set that it searches, and how it attacks samples. Each kind is one
// file with a function that makes one; ensembles, evaluations and distances see only this.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "reluctance/attack/pass_count.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/geometry/ball.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

struct AttackResult {
  Tensor adversarial;  // N x input shape; the image itself where `success` is false
  Tensor success;      // N booleans: the network, asked again, does not answer the label, or
                       // answers the sample's target
  Tensor target{};     // N int64: the class aimed at, -1 for none; undefined if never aimed
  Tensor margin{};     // N: the least of `margins` that was met; undefined if not kept
  PassCount passes{};  // what it cost
};

struct Attack {
  std::string name;          // "apgd-ce"
  std::optional<Ball> ball;  // its points lie in it and in its box; none: anywhere

  // Attacks every sample. Images: N x any shape that fits the network. What is random about a
  // sample depends on the seed and its index alone: the same sample gets the same starts whatever
  // the others are. Where work is divided (base/processes.hpp) all processes call it alike, and all
  // know the result. Deterministic for a seed and thread count, on CPUs in up to four processes,
  // and for a number of processes. `progress` counts samples times rounds.
  std::function<AttackResult(const Network& network, const Samples& samples,
                             const Context& context)>
      run;
};

// The nearest adversarial points that a search found, however far.
struct NearestResult {
  Tensor adversarial;  // N x input shape; the image itself where none was found
  Tensor distance;  // N, float64, in the norm; 0 for wrong answers, infinity where none was found
  PassCount passes;
};

}  // namespace reluctance
