// How often the network is right, on clean and on attacked images.
#pragma once

#include <cstdint>

#include "reluctance/attack/attack.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// N booleans: the network answers the label.
Tensor correct(const Network& network, const Tensor& images, const Tensor& labels);

Share clean_accuracy(const Network& network, const Tensor& images, const Tensor& labels);

// Share of images that are answered right and stay so under the attack. Images that are wrong from
// the start are not attacked; `result` holds them unchanged, with success.
struct RobustAccuracy {
  Share clean;
  Share robust;
  AttackResult result;
  Tensor right;  // N booleans: answered right without the attack
};
RobustAccuracy robust_accuracy(const Network& network, const Tensor& images, const Tensor& labels,
                               const Attack& attack, std::uint64_t seed,
                               const Progress& progress = {});

}  // namespace reluctance
