// The evaluation whose checkpoints are fuzzed: make_seeds writes them, and the harness must have
// the same network, images and stages.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "attack/subjects.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

inline LinearSubject halved_subject() { return linear_subject(12, 3); }

// Two attacks of which each fells about half of what it gets, twice.
inline std::vector<Stage> halving_stages() {
  const auto half = [](const Network&, const Samples& samples, const Context& context) {
    const Tensor& x = samples.images;
    const Tensor success = uniform_rows(context.seed, samples.index, 1, x).squeeze(1).lt(0.5);
    return AttackResult{at::where(success.view({-1, 1, 1, 1}), 1 - x, x), success};
  };
  const Ball everywhere{Norm::linf, 1.0};
  return {{{"first", everywhere, half}, 0.1, 2}, {{"second", everywhere, half}, 0.1, 2}};
}

}  // namespace reluctance
