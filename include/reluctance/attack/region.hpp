// The region attack: it asks the linear region of each image which classes are near, and goes
// there.
//
// With the gates fixed the logits are affine, so the distance to the boundary with class k is
//
//   (z_y - z_k) / ||J_k - J_y||_dual,   dual norm: L1 for L-infinity, L2 for L2,
//
// for the price of one forward pass and a vector-Jacobian product for each class. The nearest
// classes are attacked in that order by steepest ascent of the margin z_k - z_y, linearised anew at
// every step, with steps that shrink from the ball's size to nothing. Samples leave as they fall.
#pragma once

#include <cstdint>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

struct RegionOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t targets = 2;   // classes tried, the nearest first
  int64_t steps = 10;    // towards each class
  int64_t restarts = 1;  // for each class; from the image, then from random points of the ball
  // Classes whose distance is asked, the most probable ones: bounds the cost where there are many.
  int64_t candidates = 20;
};

// images: N x input shape, labels: N. Deterministic for a seed and thread count. `progress` counts
// samples times targets times restarts.
AttackResult run_region(const Network& network, const Tensor& images, const Tensor& labels,
                        const RegionOptions& options, std::uint64_t seed = 0,
                        const Progress& progress = {});

// The candidates of each sample ordered by their linear distance, and the distances, which are
// lower bounds of nothing but good guides: N x candidates each. For one batch on the calling
// thread.
struct LinearDistances {
  Tensor classes;    // int64
  Tensor distances;  // dtype of the network; negative for classes that are above the label already
};
LinearDistances linear_distances(CountedPasses& passes, const Tensor& images, const Tensor& labels,
                                 Norm norm, int64_t candidates);

}  // namespace reluctance
