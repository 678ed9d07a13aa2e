// The settings of a checkpoint: kept as bytes, compared line by line.
#include "reluctance/data/settings.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error_of.hpp"

namespace reluctance {
namespace {

TEST(TextArrays, HoldAnyBytes) {
  for (const std::string& text :
       {std::string(), std::string("seed: 1\nnorm: l2\n"), std::string("\0\xff\n", 3)}) {
    const Tensor bytes = text_array(text);
    EXPECT_EQ(bytes.scalar_type(), at::kByte);
    EXPECT_EQ(bytes.numel(), static_cast<int64_t>(text.size()));
    EXPECT_EQ(array_text(bytes), text);
  }
}

std::string refusal(const std::string& saved, const std::string& wanted) {
  return error_of([&] { require_same_settings("run/state.npz", saved, wanted, "start anew"); });
}

TEST(Settings, TheSameOnesGoOn) {
  EXPECT_EQ(refusal("seed: 1\nnorm: l2\n", "seed: 1\nnorm: l2\n"), "");
  EXPECT_EQ(refusal("", ""), "");
}

TEST(Settings, TheFirstLineThatDiffersIsNamed) {
  EXPECT_EQ(refusal("seed: 1\nnorm: l2\nsteps: 5\n", "seed: 1\nnorm: l1\nsteps: 6\n"),
            "run/state.npz: was saved with 'norm: l2', but this run has 'norm: l1'; start anew");
  EXPECT_EQ(refusal("seed: 1\n", "seed: 1\nnorm: l1\n"),
            "run/state.npz: was saved with '', but this run has 'norm: l1'; start anew");
  EXPECT_EQ(refusal("seed: 1\nnorm: l1\n", "seed: 1\n"),
            "run/state.npz: was saved with 'norm: l1', but this run has ''; start anew");
}

}  // namespace
}  // namespace reluctance
