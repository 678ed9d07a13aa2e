// One comparison: two ways to do the same work, shown to agree, then timed in turns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "operations.hpp"

namespace reluctance::benchmarks {

// How far the two results are apart. The program ends if a difference is above its tolerance.
struct Difference {
  std::string what;
  double value;
  double tolerance;
};

struct Sides {
  std::function<void()> ours;
  std::function<void()> autograd;
  std::vector<Difference> differences;
  Operations operations;  // of ours
  std::string note;       // how autograd was run, if there is a choice
};

struct Comparison {
  std::string name;
  std::string what;  // one line for the report
  double target;     // times faster; 0 for none
  int64_t pairs;     // how often each side is timed
  std::function<Sides()> prepare;
};

// Registers the comparison with Google Benchmark. Each iteration times ours, then autograd, and
// gives one ratio; the counters hold the medians and the extremes of all pairs.
void add(const Comparison& comparison);

void add_spectrum_comparisons();
void add_attack_comparisons();
void add_training_comparisons();
void add_curvature_comparisons();

}  // namespace reluctance::benchmarks
