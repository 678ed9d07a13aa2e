// From statistics with their intervals to a verdict.
#pragma once

#include <string>
#include <vector>

#include "reluctance/claims/claim.hpp"

namespace reluctance {

// The verdict of some checks and the sentence that says how each came out.
Outcome conclude(std::vector<Check> checks);

// A check of an interval.
Check check(std::string what, const Interval& interval, Check::Relation relation, double threshold);

}  // namespace reluctance
