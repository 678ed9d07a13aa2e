// The set that an attack searches: a ball around each image, cut by the box of valid pixels.
#pragma once

#include <cstdint>
#include <functional>

#include "reluctance/geometry/norm.hpp"

namespace reluctance {

// The set of perturbations with norm at most `radius`, in units of the pixels.
struct Ball {
  Norm norm;
  double radius;
};

// Uniform points of the ball around zero, shaped as `like` (N x ...). Each depends on the seed and
// its sample's index (N, int64) alone.
Tensor random_in_ball(const Ball& ball, const Tensor& like, const Tensor& index,
                      std::uint64_t seed);

// N booleans: x (N x ...) lies in the ball around `clean` and in the box [0, 1], up to the rounding
// of pixels or, in L1, where that of all pixels would add up, of float64. False for anything that
// is not a number.
Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x);

// Points x (N x ...) of which that is true, drawn towards `clean` by as little as makes it true
// without any rounding: float64 reads a norm of at most the radius.
Tensor drawn_inside(const Ball& ball, const Tensor& clean, const Tensor& x);

// Brings points to the nearest ones in the ball around `clean` and, if wanted, in the box [0, 1],
// which holds `clean`. (In L2 with a box: to the ball first, then to the box, as is usual; it ends
// in both.) L1 as Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on
// image classifiers", proposition 2.1; pixels are rounded towards `clean`.
class Projection {
 public:
  Projection(const Ball& ball, bool pixel_box, const Tensor& clean);
  // A radius for each sample: N.
  Projection(Norm norm, const Tensor& radius, bool pixel_box, const Tensor& clean);

  void operator()(Tensor& x) const { project_(x); }  // in place, N x ...

 private:
  std::function<void(Tensor& x)> project_;
};

}  // namespace reluctance
