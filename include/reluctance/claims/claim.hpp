// A claim holds what the theory predicts beside what a measurement shows, and says whether they
// agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reluctance/measure/statistics.hpp"

namespace reluctance {

enum class Verdict { holds, partly, does_not_hold, cannot_be_tested };
std::string to_string(Verdict verdict);

// One comparison. The threshold was fixed before the run.
struct Check {
  enum class Relation { at_most, at_least };
  std::string what;  // the quantity, in words
  double value;
  Relation relation;
  double threshold;
  std::optional<Interval> interval = std::nullopt;  // 95%, around the value, where one is known

  bool passed() const { return passes(value); }

  // Whether both ends of the interval pass, or both fail.
  bool certain() const {
    return !interval || (passes(interval->low) == passed() && passes(interval->high) == passed());
  }

 private:
  bool passes(double x) const {
    return relation == Relation::at_most ? x <= threshold : x >= threshold;
  }
};

// What a claim, or an earlier finding, comes to on one network.
struct Outcome {
  Verdict verdict;
  std::string summary;  // one sentence with its numbers
  std::vector<Check> checks;
};

// Holds if every check passed, does not hold if fewer than half did, partly otherwise; cannot be
// tested without checks.
Verdict verdict_of(const std::vector<Check>& checks);

// Whether the verdict is the same whichever way the uncertain checks fall.
bool certain(const std::vector<Check>& checks);

// What a claim says and who said it.
struct Claim {
  std::string id;
  int number;
  std::string title;
  std::string statement;
  std::string source;
};

}  // namespace reluctance
