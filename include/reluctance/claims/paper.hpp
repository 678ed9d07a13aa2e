// The paper, result by result: every numbered statement of Cheng et al., "Why Adversarial Training
// of ReLU Networks Is Difficult?" (arXiv 2205.15130), put to the test on a network and its data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/claims/claim.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

class PaperBench;

// Quantiles over images along a path, or one point for each image.
struct PaperSeries {
  struct Point {
    double x;
    Quantiles y;  // all the same for a single value
  };
  std::string name;
  std::vector<Point> points;
};

struct PaperChart {
  enum class Kind { lines, agreement };  // agreement: measured over predicted, point by point
  Kind kind;
  std::string x, y;  // titles of the axes, with units
  bool log_x, log_y;
  std::vector<PaperSeries> series;
};

struct PaperOutcome {
  Outcome outcome;
  PaperChart chart;
};

struct PaperStatement {
  std::string name;       // "theorem-3"
  std::string number;     // "Theorem 3"
  std::string title;      // what it comes to, in a line
  std::string statement;  // the paper's, in our words
  std::string statistic;  // how it is measured: the paper's own measure where it has one
  std::string exact;      // the exact version here, and what is new in it
  std::string later;      // where the later version (AAAI 2024) claims less; empty elsewhere
  std::function<PaperOutcome(const PaperBench& bench)> test;
};

// All of them, in the paper's order.
const std::vector<PaperStatement>& paper_statements();

struct PaperOptions {
  int64_t images = 64;  // of the first 2N those that are right and that an attack fools, N at most
  int64_t steps = 50;   // of every attack
};

struct PaperResult {
  const PaperStatement* statement;
  PaperOutcome found;
  bool certain;  // the verdict is the same within the uncertainty
};

struct PaperResults {
  int64_t samples, steps;  // images that it was tested on
  std::vector<PaperResult> results;
};

// Tests all of them on images that each have an attack of their own smallest fooling strength.
// The seed is of the resampling; progress counts the search for these and the statements. Throws
// Error for a network without parameters.
PaperResults test_paper(const Network& network, const Samples& samples, const PaperOptions& options,
                        const Context& context = {});

}  // namespace reluctance
