// Perturbations of few pixels, which attacks in L1 are made of.
#pragma once

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// The signs of each row's `kept` largest entries in size, and of those as large as the last of
// them, divided so that they have norm 1 in L1 (zero where all entries are). gradient: N x n,
// kept: N (int64), from 1 to n -> N x n.
Tensor sparse_signs(const Tensor& gradient, const Tensor& kept);

// What is bought at best: pixels in the order of `worth` (N x n), the largest first, each up to its
// `room` (N x n) at its `price` for a unit (N x n; above 0 where there is room), until `budget` (N)
// is spent. N x n, from 0 to `room`.
Tensor spend(const Tensor& budget, const Tensor& worth, const Tensor& room, const Tensor& price);

}  // namespace reluctance
