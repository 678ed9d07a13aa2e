// Small ensembles: the published one at a part of its effort, and stages that a test makes up.
#pragma once

#include <functional>
#include <string>

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

inline AutoattackOptions quick() {
  AutoattackOptions options;
  options.iterations = 40;
  options.square_queries = 50;
  return options;
}

// A stage of images alone.
inline Stage stage(const std::string& name, const Ball& ball,
                   const std::function<AttackResult(const Tensor& images)>& attack) {
  return {{name, ball, [attack](const Network&, const Samples& samples, const Context&) {
             return attack(samples.images);
           }}};
}

}  // namespace reluctance
