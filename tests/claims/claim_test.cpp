// Checks and the verdicts that they come to.
#include "reluctance/claims/claim.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace reluctance {
namespace {

TEST(Verdict, CountsChecks) {
  const Check yes{"a", 1, Check::Relation::at_most, 1};
  const Check no{"b", 1, Check::Relation::at_least, 2};
  const Check undefined{"c", std::nan(""), Check::Relation::at_most, 1};
  EXPECT_TRUE(yes.passed());
  EXPECT_FALSE(no.passed());
  EXPECT_FALSE(undefined.passed());
  EXPECT_EQ(verdict_of({yes, yes}), Verdict::holds);
  EXPECT_EQ(verdict_of({yes, no}), Verdict::partly);
  EXPECT_EQ(verdict_of({no, no, yes}), Verdict::does_not_hold);
  EXPECT_EQ(verdict_of({}), Verdict::cannot_be_tested);
}

TEST(Checks, AreCertainWhereTheirIntervalLiesOnOneSide) {
  const auto at_least = Check::Relation::at_least;
  const Check passes{"", 2, at_least, 1, Interval{2, 1.5, 3}};
  const Check fails{"", 0, at_least, 1, Interval{0, -1, 0.5}};
  const Check open{"", 2, at_least, 1, Interval{2, 0.5, 3}};
  EXPECT_TRUE(passes.certain() && fails.certain());
  EXPECT_FALSE(open.certain());
  EXPECT_TRUE(certain({passes, fails}));
  EXPECT_FALSE(certain({passes, open}));              // holds, or partly
  EXPECT_TRUE(certain({fails, fails, fails, open}));  // does not hold either way
}

}  // namespace
}  // namespace reluctance
