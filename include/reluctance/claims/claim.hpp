// A claim holds what the theory predicts beside what a measurement shows, and says whether they
// agree.
#pragma once

#include <string>
#include <vector>

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

  bool passed() const {
    return relation == Relation::at_most ? value <= threshold : value >= threshold;
  }
};

// What a claim comes to on one network.
struct Finding {
  Verdict verdict;
  std::string summary;  // one sentence with its numbers
  std::vector<Check> checks;
};

// Holds if every check passed, does not hold if fewer than half did, partly otherwise; cannot be
// tested without checks.
Verdict verdict_of(const std::vector<Check>& checks);

// What a claim says and who said it.
struct Claim {
  std::string id;
  int number;
  std::string title;
  std::string statement;
  std::string source;
};

}  // namespace reluctance
