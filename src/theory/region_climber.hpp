// One sample's attack in class space.
#pragma once

#include "class_space.hpp"

namespace reluctance {

// What one sample's attack needs, with room for its intermediate vectors.
struct RegionClimber {
  RegionClimber(const LinearRegion& region, int64_t i)
      : loss(region.loss),
        gram(matrix_of(region.gram, i)),
        logits(vector_of(region.logits, i)),
        label(region.labels.data_ptr<int64_t>()[i]),
        z(logits.size()),
        s(logits.size()) {}

  // s(z + K c); the reference stays valid until the next call.
  const Vector& gradient(const Vector& c) {
    z.noalias() = gram * c;
    z += logits;
    loss.sample_gradient(z.data(), z.size(), label, s.data());
    return s;
  }

  const Loss& loss;
  Matrix gram;
  Vector logits;
  int64_t label;
  Vector z, s;
};

// Runs `body(climber, c, i)` from c = 0 for every sample; returns all c.
template <typename Body>
Tensor climb_all(const LinearRegion& region, const Body& body) {
  Tensor coefficients = at::zeros_like(region.logits);
  for_each_sample(region.count(), [&](int64_t i) {
    RegionClimber climber(region, i);
    Vector c = Vector::Zero(region.classes());
    body(climber, c, i);
    vector_of(coefficients, i) = c;
  });
  return coefficients;
}

}  // namespace reluctance
