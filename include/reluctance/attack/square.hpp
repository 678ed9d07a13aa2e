// The Square attack (Andriushchenko et al. 2020, "Square Attack: a query-efficient black-box
// adversarial attack via random search"): it changes random squares of the image and keeps what
// lowers the margin. It asks for logits alone, so that gradients which mislead do not mislead it.
// Squares lie anywhere in the image, as in the paper's algorithm 1; AutoAttack's own code leaves
// out the last row and column of places and is a little weaker (0.2 to 0.7 points after 1,000
// queries).
#pragma once

#include <cstdint>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

// The defaults are those of AutoAttack's standard version.
struct SquareOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t queries = 5000;    // images shown to the network for each sample, at most
  double first_share = 0.8;  // p: the first squares' share of the pixels; it shrinks with queries
  int64_t schedule = 10000;  // queries for which the shrinking is laid out
};

// "square": until a sample falls or has had its queries. Images are N x channels x height x width,
// or any N x shape for a network with inputs of that shape. Other inputs, tables for example, are
// taken as images of one row (of the network's channels if it has some), where a "square" is as
// many features that follow one another.
Attack square_attack(const SquareOptions& options);

// The side of the square-th square (from 0), for images of height x width pixels: the share p of
// the pixels is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10,000 queries.
// In L2 and L1 sides are odd and at least 3. In images of one
// row it is the share itself.
int64_t square_side(const SquareOptions& options, int64_t square, int64_t height, int64_t width);

// The pattern that squares in L2 or L1 add, rows x columns with norm 1 in that norm: two halves of
// opposite sign, one above the other, each highest at its centre, in L1 the more so.
Tensor square_pattern(Norm norm, int64_t rows, int64_t columns);

}  // namespace reluctance
