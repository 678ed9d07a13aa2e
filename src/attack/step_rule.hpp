// How Auto-PGD steps: which way and how far, and what becomes of that at its checkpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reluctance/geometry/ball.hpp"

namespace reluctance {

// Where an ascent is. All are n or n x input shape.
struct Track {
  Tensor x, gradient, loss;            // the iterate, gradient and loss there
  Tensor previous;                     // the iterate before; undefined at the start
  Tensor best, best_x, best_gradient;  // the highest loss so far, and where
};

class StepRule {
 public:
  virtual ~StepRule() = default;

  // The iterations after which `adapt` is called.
  virtual std::vector<int64_t> checkpoints(int64_t iterations) const = 0;
  // The next iterate, in ball and box.
  virtual Tensor next(const Track& track, const Projection& project) const = 0;
  // Told after every step which samples' loss it raised (n booleans).
  virtual void watch(const Tensor& rose) = 0;
  // Chooses the steps after a checkpoint, `steps` after the last one. n booleans: go on from the
  // best point.
  virtual Tensor adapt(const Track& track, int64_t steps) = 0;
  // Only these of the n samples go on.
  virtual void keep(const Tensor& places) = 0;
};

// The rule of the ball's norm, for n samples that start at `start`.
std::unique_ptr<StepRule> step_rule(const Ball& ball, const Tensor& clean, const Tensor& start);

}  // namespace reluctance
