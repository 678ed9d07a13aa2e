// The fast adaptive boundary attack (Croce and Hein 2020, "Minimally distorted adversarial examples
// with a fast adaptive boundary attack"), targeted: it looks for the nearest point of the decision
// boundary to one class after the other, by projections onto the linearised boundary.
#pragma once

#include <cstdint>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

// The defaults are those of AutoAttack's standard version.
struct FabOptions {
  Ball ball{Norm::linf, 0.1};  // a sample falls when a point inside is found
  int64_t targets = 9;         // classes tried, the most probable first; at most C - 1 are
  int64_t iterations = 100;
  double bias_limit = 0.1;      // alpha_max: the largest weight of the image's own projection
  double extrapolation = 1.05;  // eta: how far beyond the linearised boundary a step goes
  double backward = 0.9;        // beta: share of the perturbation kept after a success
};

// "fab-t". Nothing in it is random.
Attack fab_attack(const FabOptions& options);

// The nearest adversarial points that all targets and iterations find, however far: of the ball
// only norm and domain count. `progress` counts samples times targets.
NearestResult fab_distances(const Network& network, const Samples& samples,
                            const FabOptions& options, const Context& context = {});

// The smallest step d of each row, as the ball measures it (its radius plays no part), that brings
// x + d onto the hyperplane gradient . (x + d) = gradient . x - value and keeps it in the box;
// where the box does not reach the hyperplane, the corner that comes nearest. In L1 pixels go to
// their walls one after the other, the steepest first. x, gradient: N x n, value: N -> N x n.
Tensor project_onto_boundary(const Ball& ball, const Tensor& x, const Tensor& gradient,
                             const Tensor& value);

}  // namespace reluctance
