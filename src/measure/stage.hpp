// Attacks as stages of an ensemble.
#pragma once

#include <string>
#include <utility>

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

// A stage that runs `attack` with these options.
template <typename Options>
Stage stage_of(std::string name,
               AttackResult (*attack)(const Network&, const Tensor&, const Tensor&, const Options&,
                                      std::uint64_t, const Progress&),
               const Options& options) {
  Stage stage;
  stage.name = std::move(name);
  stage.attack = [attack, options](const Network& network, const Tensor& images,
                                   const Tensor& labels, std::uint64_t seed,
                                   const Progress& progress) {
    return attack(network, images, labels, options, seed, progress);
  };
  return stage;
}

}  // namespace reluctance
