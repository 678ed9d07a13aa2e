// A small network in float64 and samples of which it answers nine in ten right.
#pragma once

#include <ATen/ATen.h>

#include <utility>

#include "network/random_networks.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

struct PartlyWrong {
  Network network;
  Samples samples;  // 60; the first six are answered wrong
};

inline PartlyWrong partly_wrong_subject() {
  Network network = networks_in_double().at(2).network;
  at::manual_seed(2);
  const Tensor x = random_input(network, 60);
  const Tensor labels = logits(network, x).argmax(1);
  labels.slice(0, 0, 6).add_(1).remainder_(6);
  return {std::move(network), {x, labels}};
}

}  // namespace reluctance
