// The set that an attack searches: a ball around each image, cut by the box of valid inputs.
#pragma once

#include <cstdint>
#include <functional>

#include "reluctance/geometry/domain.hpp"
#include "reluctance/geometry/norm.hpp"

namespace reluctance {

// The set of perturbations with norm at most `radius`, in units of the pixels or of the reach that
// the domain gives each feature, that stay in the domain's box. Attacks know walls, budgets of
// features and fixed features from here alone.
struct Ball {
  Norm norm;
  double radius;
  Domain domain{};
};

// The size of perturbations (N x ... -> N) as the ball measures them; the dual norm of gradients,
// max gradient . d over perturbations d of size 1; and the direction of steepest ascent, of size 1,
// as `steepest` of the norm (the gradient may be overwritten). The radius plays no part.
Tensor sizes_in(const Ball& ball, const Tensor& delta);
Tensor dual_sizes_in(const Ball& ball, const Tensor& gradient);
Tensor steepest_in(const Ball& ball, Tensor gradient);
// The size of what takes n features from wall to wall.
double widest(const Ball& ball, int64_t n);

// Uniform points of the ball around zero, shaped as `like` (N x ...). Each depends on the seed and
// its sample's index (N, int64) alone.
Tensor random_in_ball(const Ball& ball, const Tensor& like, const Tensor& index,
                      std::uint64_t seed);

// N booleans: x (N x ...) lies in the ball around `clean` and in the box, up to the rounding
// of pixels or, in L1, where that of all pixels would add up, of float64. False for anything that
// is not a number.
Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x);

// Points x (N x ...) of which that is true, drawn towards `clean` by as little as makes it true
// without any rounding: float64 reads a size of at most the radius, and points in the box.
Tensor drawn_inside(const Ball& ball, const Tensor& clean, const Tensor& x);

// Brings points to the nearest ones in the ball around `clean` and, if wanted, in the box, which
// holds `clean`. (In L2 with a box: to the ball first, then to the box, as is usual; it ends
// in both.) L1 as Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on
// image classifiers", proposition 2.1; pixels are rounded towards `clean`.
class Projection {
 public:
  Projection(const Ball& ball, bool in_box, const Tensor& clean);
  // A radius for each sample, in place of the ball's own: N.
  Projection(const Ball& ball, const Tensor& radius, bool in_box, const Tensor& clean);

  void operator()(Tensor& x) const { project_(x); }  // in place, N x ...

 private:
  std::function<void(Tensor& x)> project_;
};

}  // namespace reluctance
