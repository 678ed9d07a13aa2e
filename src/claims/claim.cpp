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

namespace {

Verdict verdict_of(std::ptrdiff_t passed, std::size_t checks) {
  const auto count = static_cast<std::ptrdiff_t>(checks);
  if (count == 0) return Verdict::cannot_be_tested;
  if (passed == count) return Verdict::holds;
  return 2 * passed < count ? Verdict::does_not_hold : Verdict::partly;
}

}  // namespace

Verdict verdict_of(const std::vector<Check>& checks) {
  const auto passed = std::count_if(checks.begin(), checks.end(),
                                    [](const Check& check) { return check.passed(); });
  return verdict_of(passed, checks.size());
}

bool certain(const std::vector<Check>& checks) {
  std::ptrdiff_t least = 0;
  std::ptrdiff_t most = 0;
  for (const Check& check : checks) {
    least += check.passed() && check.certain();
    most += check.passed() || !check.certain();
  }
  return verdict_of(least, checks.size()) == verdict_of(most, checks.size());
}

}  // namespace reluctance
