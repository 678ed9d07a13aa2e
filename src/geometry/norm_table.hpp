// What a norm is, for all code that must not ask which one it has.
#pragma once

#include <functional>

#include "reluctance/geometry/domain.hpp"
#include "reluctance/geometry/norm.hpp"

namespace reluctance {

// Every function takes and gives N x n.
struct NormEntry {
  const char* name;
  Tensor (*size)(const Tensor& rows);  // N
  Tensor (*dual)(const Tensor& rows);  // N
  Tensor (*steepest)(Tensor gradient);

  // The projection onto ball and box, for points around `clean` (N x ...); radius: N or one for
  // all, float64. Without a box for pixels alone.
  std::function<void(Tensor& x)> (*projection)(const Tensor& clean, const Tensor& radius,
                                               const Domain& domain, bool in_box);
  bool rounds_inwards;  // what it gives lies in the ball whatever the pixels' precision

  // Uniform points of the ball of radius 1.
  Tensor (*random)(std::uint64_t seed, const Tensor& index, const Tensor& like);
};

const NormEntry& entry_of(Norm norm);

}  // namespace reluctance
