// The set that an attack searches: a ball around each image, cut by the box of valid pixels.
#pragma once

#include <ATen/core/Generator.h>

#include <optional>
#include <string>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

enum class Norm { linf, l2 };

// "linf" or "l2" and back. `parse_norm` throws Error for anything else.
std::string to_string(Norm norm);
Norm parse_norm(const std::string& text);

// The set of perturbations with norm at most `radius`, in units of the pixels.
struct Ball {
  Norm norm;
  double radius;
};

// Norm of each sample of x (N x ...) -> N.
Tensor sample_norms(const Tensor& x, Norm norm);

// Numbers of each sample (N), shaped to scale `like` (N x ...).
Tensor per_sample(const Tensor& values, const Tensor& like);

// The direction of steepest ascent per unit of the norm: the sign of the gradient (L-infinity) or
// the gradient divided by its norm (L2; zero where it is zero). N x ..., may be overwritten.
Tensor steepest(Norm norm, Tensor gradient);

// Uniform points of the ball around zero, of the shape, dtype and device of `like` (N x ...).
Tensor random_in_ball(const Ball& ball, const Tensor& like, at::Generator generator);

// N booleans: x (N x ...) lies in the ball around `clean` and in the box [0, 1], up to the rounding
// of a pixel. False for anything that is not a number.
Tensor inside(const Ball& ball, const Tensor& clean, const Tensor& x);

// Brings points back into the ball around `clean` (none: unbounded) and, if wanted, into the box.
class Projection {
 public:
  Projection(const std::optional<Ball>& ball, bool pixel_box, const Tensor& clean);
  void operator()(Tensor& x) const;  // in place, N x ...

 private:
  std::optional<Ball> ball_;
  bool pixel_box_;
  Tensor clean_;
  Tensor low_, high_;  // L-infinity: ball and box are both intervals of each pixel
};

}  // namespace reluctance
