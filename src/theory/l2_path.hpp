// How the end of an L2 attack moves with the parameters, step by step: the exact derivative of the
// iteration as it was run,
//
//   x_{t+1} = box(ball(x_t + alpha g_t / ||g_t||)),   g_t = dL/dx at x_t,
//
// with its gates, the clipped pixels and the steps that left the ball held. Where an attack has not
// settled, the Hessian at its end is not the one that it met on its way, and this is needed.
#pragma once

#include <vector>

#include "reluctance/theory/effective_curvature.hpp"

namespace reluctance {

class L2Path {
 public:
  // samples: those that `l2` speaks of; their images are not asked for.
  L2Path(const Network& network, const Samples& samples, const Loss& loss, const L2Response& l2,
         int64_t memory);

  // D v, where D = d x_m / d theta: P -> N x n.
  Tensor forward(const Tensor& v) const;

  // D^T u, summed over the samples: N x n -> P.
  Tensor backward(const Tensor& u) const;

  // The symmetric part of what following adds to the Hessian, (H_tx D + D^T H_xt) v / 2 at x_m,
  // summed over the samples: P -> P.
  Tensor gain(const Tensor& v) const;

  // v^T H_tx D v of each sample: N, float64.
  Tensor sample_gains(const Tensor& v) const;

 private:
  struct Step {
    CurvatureSamplesPtr samples;  // at x_t
    Tensor gradient, inverse;     // N x n: of unit length; N x 1: step size / its former length
    Tensor radial, shrink;        // N x n: of the point before the ball; N x 1: radius / its length
    Tensor outside, free;         // N x 1, N x n: 0 or 1
  };

  // From a change of the gradient to one of the step, from one before the projection to one after
  // it, and their adjoints.
  static Tensor along_step(const Step& step, const Tensor& u);
  static Tensor through_ball(const Step& step, const Tensor& u);

  // H_xt v at x_m: N x n.
  Tensor asked(const Tensor& v) const;

  CurvatureSamplesPtr ends_;  // at x_m
  std::vector<Step> steps_;
};

}  // namespace reluctance
