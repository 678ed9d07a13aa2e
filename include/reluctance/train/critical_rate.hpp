// What full-batch training meets around a network, found by trying: how its own gradient changes,
// and the learning rate at which it stops being stable.
//
// The loss is tilted by a linear term that makes the given network stand still: its gradient is
// g(theta) - g(theta_0), the attack run anew at every theta. A tilt changes no curvature, and
// without it the network would have moved on before an oscillation shows. Nothing here knows of
// second derivatives: all that is asked are gradients at displaced parameters. The theory predicts
// the critical rate 2 / lambda_max, with momentum mu 2 (1 + mu) / lambda_max.
//
// Differences and trainings stay within one linear piece of the network, at a displacement where
// the gradient's change is odd, and so test the theory of that piece. Or they are of a given width,
// as far away as training swings: there gates flip and, in L-infinity, signs.
#pragma once

#include <cstdint>
#include <optional>

#include "reluctance/train/trainer.hpp"

namespace reluctance {

class TriedTraining {
 public:
  // network and samples, inputs of it, in float64: differences of gradients are taken. The
  // objective's attack has no random start. The context's seed is of the first direction asked;
  // progress counts gradients, out of a guess that grows. `width`: of the differences and swings,
  // relative to the length of the parameters; 0: within the linear piece.
  TriedTraining(const Network& network, const Samples& samples, const Objective& objective,
                const Context& context = {}, double width = 0);

  // Real parts of the extreme eigenvalues of the gradient's Jacobian (the attack's own change
  // included, so it need not be symmetric), by Arnoldi's method on differences of gradients. A
  // negative one is a direction of descent: training leaves along it, which is no oscillation.
  double largest() const { return largest_; }
  double smallest() const { return smallest_; }

  // Whether the gradient's change is odd, to 1%, at some displacement down to 1e-12 of the
  // parameters' length. If not it jumps there, and no curvature says what training meets. Not asked
  // of a given width.
  bool smooth() const { return smooth_; }

  // v . (g(theta + d v) - g(theta - d v)) / (2 d) along the largest one's direction, d the distance
  // relative to the length of the parameters.
  double secant(double distance) const;

  // The rate beyond which a training that starts beside the network, displaced along that
  // direction, swings ever wider, by bisection on the rate's logarithm to that relative precision.
  // Nothing if no rate up to 1e6 is unstable, or none down to 1e-6 is stable. Of a given width: two
  // trainings start on either side of the network, as if each came from where the other one is, and
  // within at most twelve steps swing wider or not.
  std::optional<double> critical_rate(double momentum, double precision = 0.02) const;

 private:
  Tensor change(const Tensor& displacement) const;  // g(theta_0 + displacement) - g(theta_0)
  bool is_odd() const;
  void find_direction();
  bool unstable(double rate, double momentum) const;
  bool widens(double rate, double momentum) const;

  Network network_;
  Samples samples_;
  Objective objective_;
  Context context_;
  Tensor centre_;     // P: g(theta_0)
  double length_;     // of the parameters
  Tensor direction_;  // P, of unit length
  double width_;
  double displacement_;  // of the differences, relative to that length
  double largest_ = 0, smallest_ = 0;
  bool smooth_ = true;
  mutable int64_t asked_ = 0;  // gradients
};

}  // namespace reluctance
