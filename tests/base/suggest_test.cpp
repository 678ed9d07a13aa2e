// The known word nearest to a mistyped one.
#include "reluctance/base/suggest.hpp"

#include <gtest/gtest.h>

namespace reluctance {
namespace {

const std::vector<std::string> known{"mnist", "fashion-mnist", "cifar10", "pgd", "fgsm"};

TEST(Nearest, UndoesInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(nearest("mnists", known), "mnist");
  EXPECT_EQ(nearest("mnst", known), "mnist");
  EXPECT_EQ(nearest("mmist", known), "mnist");
  EXPECT_EQ(nearest("minst", known), "mnist");  // two letters changed places: two edits
  EXPECT_EQ(nearest("cifar-10", known), "cifar10");
  EXPECT_EQ(nearest("fashion_mnist", known), "fashion-mnist");
  EXPECT_EQ(nearest("pgd", known), "pgd");
}

TEST(Nearest, IsTheOneOfFewestEdits) {
  EXPECT_EQ(nearest("abcdf", {"abcxy", "abcde", "bcdfg"}), "abcde");
  EXPECT_EQ(nearest("fgd", {"fgsm", "pgd"}), "pgd");
}

// Half of the letters or more: that may be any word.
TEST(Nearest, SuggestsNothingFarFetched) {
  EXPECT_EQ(nearest("imagenet", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest("mnist", {}), "");
  EXPECT_EQ(nearest("abxx", {"abcd"}), "");
  EXPECT_EQ(nearest("abcx", {"abcd"}), "abcd");
}

}  // namespace
}  // namespace reluctance
