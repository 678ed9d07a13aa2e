#include "claims/conclude.hpp"

#include <cctype>
#include <cmath>
#include <sstream>
#include <utility>

namespace reluctance {

Check check(std::string what, const Interval& interval, Check::Relation relation,
            double threshold) {
  return {std::move(what), interval.value, relation, threshold, interval};
}

Outcome conclude(std::vector<Check> checks) {
  for (const Check& each : checks) {
    // Nothing moved: neither for nor against.
    const bool tied =
        each.interval && each.interval->low == each.interval->high && each.value == each.threshold;
    if (std::isfinite(each.value) && !tied) continue;
    return {
        Verdict::cannot_be_tested, "Could not be computed on these images: " + each.what + ".", {}};
  }
  std::ostringstream text;
  text.precision(3);
  for (std::size_t k = 0; k < checks.size(); ++k) {
    const Check& each = checks[k];
    text << (k == 0 ? "" : "; ") << each.what << " " << each.value;
    if (each.interval) text << " (" << each.interval->low << " to " << each.interval->high << ")";
  }
  std::string summary = text.str() + ".";
  if (!summary.empty()) summary[0] = static_cast<char>(std::toupper(summary[0]));
  const Verdict verdict = verdict_of(checks);
  return {verdict, std::move(summary), std::move(checks)};
}

}  // namespace reluctance
