#include "reluctance/claims/claim.hpp"

#include <algorithm>

namespace reluctance {

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::partly:
      return "partly";
    case Verdict::does_not_hold:
      return "does not hold";
    case Verdict::cannot_be_tested:
      break;
  }
  return "cannot be tested";
}

Verdict verdict_of(const std::vector<Check>& checks) {
  if (checks.empty()) return Verdict::cannot_be_tested;
  const auto passed = std::count_if(checks.begin(), checks.end(),
                                    [](const Check& check) { return check.passed(); });
  const auto count = static_cast<std::ptrdiff_t>(checks.size());
  if (passed == count) return Verdict::holds;
  return 2 * passed < count ? Verdict::does_not_hold : Verdict::partly;
}

}  // namespace reluctance
