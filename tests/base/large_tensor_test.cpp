// Tensors that lie on the disk behave as others do.
#include "reluctance/base/large_tensor.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/error_of.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

constexpr int64_t mebibyte = 1 << 20;

class LargeTensor : public ::testing::Test {
 protected:
  LargeTensor() { ::setenv("TMPDIR", folder_.path().c_str(), 1); }
  ~LargeTensor() override { ::unsetenv("TMPDIR"); }

  // Files of this process in that folder, mapped.
  int mapped() const {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) {
      count += line.find(folder_.path().string()) != std::string::npos;
    }
    return count;
  }

 private:
  const TemporaryFolder folder_;
};

TEST_F(LargeTensor, LiesInAFileWithoutAName) {
  EXPECT_EQ(mapped(), 0);
  Tensor small = large_empty({512, mebibyte}, at::kByte);
  EXPECT_EQ(mapped(), 0);
  {
    Tensor large = large_empty({513, mebibyte}, at::kByte);
    EXPECT_EQ(mapped(), 1);
    large[512].fill_(7);
    large[0].fill_(9);
    EXPECT_EQ(large.select(1, mebibyte - 1)[512].item<int>(), 7);
    EXPECT_EQ(large[0].sum().item<int64_t>(), 9 * mebibyte);
    EXPECT_EQ(large[300].sum().item<int64_t>(), 0);
    EXPECT_TRUE(std::filesystem::is_empty(std::getenv("TMPDIR")));
  }
  EXPECT_EQ(mapped(), 0);
}

TEST_F(LargeTensor, CopiesPieceByPiece) {
  at::manual_seed(2);
  const Tensor rows = at::randint(256, {3, 40 * mebibyte}, at::kByte);  // a row a piece
  int64_t pieces = 0;
  const Tensor copy = large_copy(rows.narrow(0, 1, 2), at::kInt, [&](Tensor& piece) {
    piece.add_(1);
    ++pieces;
  });
  EXPECT_EQ(pieces, 2);
  EXPECT_TRUE(at::equal(copy, rows.narrow(0, 1, 2).to(at::kInt) + 1));
  EXPECT_TRUE(at::equal(large_copy(rows.t().narrow(0, 0, 5), at::kByte), rows.t().narrow(0, 0, 5)));
  EXPECT_EQ(large_copy(at::ones({}), at::kLong).item<int64_t>(), 1);
  EXPECT_EQ(large_copy(at::ones({0, 3}), at::kLong).sizes(), (at::IntArrayRef{0, 3}));

  std::vector<int64_t> seen;
  for_each_piece(rows, [&](int64_t begin, const Tensor& piece) {
    seen.push_back(begin);
    EXPECT_EQ(piece.size(0), 1);
    return begin < 1;
  });
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 1}));
}

TEST_F(LargeTensor, SaysWhereThereIsNoRoom) {
  const std::string whole = error_of([] { large_empty({int64_t{1} << 50}, at::kByte); });
  EXPECT_NE(whole.find(std::string(std::getenv("TMPDIR")) + ": cannot hold the 1048576.0 GiB"),
            std::string::npos)
      << whole;
  ::setenv("TMPDIR", "/nowhere", 1);
  const std::string nowhere = error_of([] { large_empty({mebibyte, 1024}, at::kByte); });
  EXPECT_NE(nowhere.find("/nowhere: cannot hold the 1.0 GiB of a large array: No such file"),
            std::string::npos)
      << nowhere;
}

}  // namespace
}  // namespace reluctance
