// The nearest-class attack: it asks the linear region of each image which classes are near, and
// goes there.
//
// With the gates fixed the logits are affine, so the distance to the boundary with class k is
//
//   (z_y - z_k) / ||J_k - J_y||_dual,   dual norm: L1 for L-infinity, L2 for L2, L-infinity for L1,
//
// for the price of one forward pass and a vector-Jacobian product for each class. The nearest
// classes are attacked in that order by steepest ascent of the margin z_k - z_y, linearised anew at
// every step, with steps that shrink from the ball's size to nothing. In L1 a step goes towards the
// corner of ball and box where the linearised margin is largest. Samples leave as they fall.
//
// What the linear region around the image cannot know is what lies behind its gates. So the ascent
// starts at the edge of the ball, on the way to a random image that the network answers as the
// class aimed at (a guide): in L2 and L1 with all of the ball's radius on a few of the pixels,
// which carries them past gates that the same norm on all pixels does not reach.
#pragma once

#include <cstdint>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

// Images to start towards, grouped by the network's answers.
struct Guides {
  Tensor images;  // M x input shape, on the network's device; undefined: no guides
  Tensor order;   // M int64: their places, those of class 0 first
  Tensor first;   // classes + 1, int64: where each class begins in `order`
};

// images: M x any shape that fits the network.
Guides make_guides(const Network& network, const Tensor& images);

struct NearestClassOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t targets = 2;   // classes tried, the nearest first
  int64_t steps = 10;    // towards each class
  int64_t restarts = 1;  // for each class
  // Without guides the first start is the image, and the others are random points of the ball; so
  // is a start towards a class that no guide has.
  Guides guides{};
  // Classes whose distance is asked, the most probable ones: bounds the cost where there are many.
  int64_t candidates = 20;
};

// "nearest-class".
Attack nearest_class_attack(const NearestClassOptions& options);

// The nearest adversarial point of each image: the same ascent in a ball that shrinks where it
// succeeds and grows where it does not (as Pintor et al. 2021, "Fast minimum-norm adversarial
// attacks through adaptive norm constraints"); before the first success the linear region says how
// far the boundary is. Distances are upper bounds of the true ones.
struct NearestPointOptions {
  Norm norm = Norm::linf;
  Domain domain{};
  int64_t targets = 3;
  int64_t steps = 20;
  int64_t restarts = 2;  // for each class: the first from the image, the others anywhere around it
  int64_t candidates = 20;
};
NearestResult nearest_points(const Network& network, const Samples& samples,
                             const NearestPointOptions& options, const Context& context = {});

// The candidates of each sample ordered by their linear distance, and the distances, which are
// lower bounds of nothing but good guides: N x candidates each. The ball's radius plays no part.
// For one batch of inputs on the calling thread.
struct LinearDistances {
  Tensor classes;    // int64
  Tensor distances;  // dtype of the network; negative for classes that are above the label already
};
LinearDistances linear_distances(CountedPasses& passes, const Samples& samples, const Ball& ball,
                                 int64_t candidates);

}  // namespace reluctance
