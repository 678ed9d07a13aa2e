// The norms that perturbations are measured in. Everything that depends on the norm is in one table
// entry (src/geometry/norm.cpp): a new norm is a word here and an entry there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

enum class Norm { linf, l2, l1 };

const std::vector<Norm>& all_norms();

// "linf", "l2" or "l1" and back. `parse_norm` throws Error for anything else.
std::string to_string(Norm norm);
Norm parse_norm(const std::string& text);

// Throws Error unless `norm` is one of those that `subject` ("the Square attack") can do.
void require_norm(const std::string& subject, Norm norm, const std::vector<Norm>& known);

// Norm of each sample of x (N x ...) -> N; and its dual, max x . y over points y of norm 1.
Tensor sample_norms(const Tensor& x, Norm norm);
Tensor dual_norms(const Tensor& x, Norm norm);

// The norm of the perturbation that changes each of n pixels by 1.
double norm_of_ones(Norm norm, int64_t n);

// The direction of steepest ascent, of norm 1: the sign of the gradient (L-infinity), the gradient
// divided by its norm (L2; zero where it is zero), the signs of its largest hundredth alone (L1,
// and of pixels just as large; Tramer and Boneh 2019: the very steepest, one pixel, gets nowhere).
// N x ..., may be overwritten.
Tensor steepest(Norm norm, Tensor gradient);

// Numbers of each sample (N, or one for all), shaped to scale `like` (N x ...).
Tensor per_sample(const Tensor& values, const Tensor& like);

}  // namespace reluctance
