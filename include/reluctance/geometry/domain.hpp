// Which inputs there are, and how far each of their features may move: pixels from 0 to 1 that are
// all alike or, for tables, what somebody says of each feature.
#pragma once

#include <string>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// The box that inputs lie in, and the reach of each feature: how far it goes for a unit of a ball's
// radius. Perturbations are measured by their features divided by their reach; a feature of reach 0
// is fixed, stays whatever it is, and has no walls.
class Domain {
 public:
  // Pixels: the box [0, 1], and reach 1.
  Domain() = default;
  // low, high, reach: one number for each of n features, as inputs are flattened; finite. Where a
  // type cannot hold a wall, its walls are the next numbers inside. Throws Error naming the first
  // feature of which low is not below high, in float32 too, or the reach negative.
  Domain(const Tensor& low, const Tensor& high, const Tensor& reach);

  bool pixels() const { return !low_.defined(); }

  // x (N x ...) brought to the box, and its fixed features to those of `clean`.
  Tensor clip(const Tensor& x, const Tensor& clean) const;
  // N booleans: exactly in the box, as float64 reads it. False for what is not a number.
  Tensor holds(const Tensor& x) const;

  // Perturbations divided by the reach, N x ...: infinite where a fixed feature moved. And what
  // that does to gradients: multiplied by the reach, as are steps that were found so.
  Tensor in_units(const Tensor& delta) const;
  Tensor by_reach(const Tensor& gradient) const;

  // How far features of x can go in directions of these signs before they meet a wall; 0 where the
  // sign is 0 or the feature fixed. All N x n.
  Tensor room(const Tensor& signs, const Tensor& x) const;

  // From wall to wall in units of the reach, and the largest number of the box in such units, 0
  // where features are fixed: 1 x n, float64.
  Tensor width(int64_t n) const;
  Tensor largest(int64_t n) const;
  // From wall to wall, 0 where features are fixed, to scale `like` (N x ...).
  Tensor span(const Tensor& like) const;

  // The arrays that it was made of, for checksums; none for pixels.
  Tensors arrays() const;

 private:
  // One of the arrays, in the type of x and beside it, shaped as one of its samples.
  struct Walls {
    Tensor low, high;
  };
  Walls walls(const Tensor& x) const;
  Tensor reach(const Tensor& x) const;

  Tensor low_, high_, reach_;      // n, float64
  Tensor low_float_, high_float_;  // n, float32, rounded inwards
};

// What a radius is in, for people: " of each feature's budget" where these differ, else nothing.
std::string unit_of(const Domain& domain);

}  // namespace reluctance
