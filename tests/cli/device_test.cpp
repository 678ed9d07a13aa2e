// Devices that are not there, or are none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cli/mistakes.hpp"

namespace reluctance {
namespace {

TEST_F(Mistakes, ADeviceThatIsNone) {
  std::vector<Mistake> mistakes;
  // LibTorch knows the last three, but no network runs there.
  for (const std::string name : {"nonsense", "cuda:x", "cpu:3", "meta", "mkldnn"}) {
    mistakes.push_back({{"train", "--device", name}, {"--device " + name, "cpu, cuda or cuda:N"}});
  }
  expect_refused(mistakes);
}

TEST_F(Mistakes, ADeviceThatIsNotThere) {
  if (at::hasCUDA()) GTEST_SKIP() << "it is";
  std::vector<Mistake> mistakes;
  for (const std::string command : {"train", "evaluate"}) {
    for (const std::string name : {"cuda", "cuda:1"}) {
      mistakes.push_back({{command, "--device", name}, {"--device " + name, "--device cpu"}});
    }
  }
  expect_refused(mistakes);
}

}  // namespace
}  // namespace reluctance
