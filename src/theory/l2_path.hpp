// How the end of an L2 attack moves with the parameters, step by step: the exact derivative of the
// iteration as it was run,
//
//   x_{t+1} = box(ball(x_t + alpha g_t / ||g_t||)),   g_t = dL/dx at x_t,
//
// with its gates, the clipped pixels and the steps that left the ball held.
#pragma once

#include <vector>

#include "reluctance/theory/effective_curvature.hpp"

namespace reluctance {

class L2Path {
 public:
  // ends: the samples at x_m, where `l2` says that the attack ended. `memory`: bytes for what is
  // kept of the steps before.
  L2Path(CurvatureSamplesPtr ends, const L2Response& l2, int64_t memory);

  // D v, where D = d x_m / d theta: P -> N x n.
  Tensor forward(const Tensor& v) const;

  // (H_tt + H_tx D) v at x_m, the mean over the samples: P -> P.
  Tensor curvature(const Tensor& v) const;

 private:
  struct Step {
    CurvatureSamplesPtr samples;  // at x_t
    Tensor gradient, inverse;     // N x n: of unit length; N x 1: step size / its former length
    Tensor radial, shrink;        // N x n: of the point before the ball; N x 1: radius / its length
    Tensor outside, free;         // N x 1, N x n: 0 or 1
  };

  // From a change of the gradient to one of the step, and from one before the projection onto the
  // ball to one after it.
  static Tensor along_step(const Step& step, const Tensor& u);
  static Tensor through_ball(const Step& step, const Tensor& u);

  CurvatureSamplesPtr ends_;  // at x_m
  std::vector<Step> steps_;
};

}  // namespace reluctance
