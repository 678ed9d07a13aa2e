// Inputs that are no pixels, as --box says it: the box that they lie in, how far each feature may
// go, and which may not move.
#pragma once

#include <string>

#include "reluctance/data/dataset.hpp"
#include "reluctance/geometry/domain.hpp"
#include "reluctance/jobs/attacks.hpp"

namespace reluctance {

// Each array has one number for all features, or one for each, in the shape of a sample of the data
// or flattened.
struct Box {
  std::string name;  // in messages: "--box" or the file
  Tensor low, high;  // walls
  Tensor eps{};      // how far each feature may go; undefined: --eps says it for all
  Tensor fixed{};    // not zero: may not move; undefined: all may
};

// "LOW,HIGH", or an NPZ with arrays of these names; the arrays themselves. Throws Error naming what
// is wrong or missing.
Box read_box(const std::string& text);
Box make_box(const std::string& name, const NamedTensors& arrays);

// The domain of networks with that input shape, for data with samples of that shape. Throws Error
// for arrays that do not fit, and naming the first feature at fault.
Domain domain_of(const Box& box, const Shape& sample, const Shape& input);

// The data with what rounding (1e-5 of a feature's range) leaves outside of the box cut off, with a
// note. Throws Error naming the first image and feature farther outside.
Dataset inside_box(const Domain& domain, Dataset data);

// Makes the attack one in that domain. Throws Error where its budget is missing or given twice, or
// its norm has no form for budgets of features.
void use_box(AttackOptions& options, const Box& box, const Domain& domain);
void require_norm_of(const Box& box, Norm norm);

}  // namespace reluctance
