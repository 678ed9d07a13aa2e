// IDX files of every type, plain and gzipped, whole and damaged.
#include "reluctance/data/idx.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/made_files.hpp"
#include "reluctance/base/files.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

class Idx : public ::testing::Test {
 protected:
  Tensor read(const std::string& bytes) const {
    put_file(path(), bytes);
    return read_idx(path());
  }
  std::string refused(const std::string& bytes) const {
    return error_of([&] { read(bytes); });
  }
  fs::path path() const { return folder_.path() / "file"; }

 private:
  const TemporaryFolder folder_;
};

TEST_F(Idx, EveryTypeIsReadBigEndian) {
  const auto expect = [&](int type, const std::string& data, const Tensor& expected) {
    const auto count = static_cast<std::uint32_t>(expected.numel());
    const Tensor got = read(idx_bytes(type, {count}, data));
    EXPECT_EQ(got.scalar_type(), expected.scalar_type());
    EXPECT_TRUE(at::equal(got, expected)) << got;
  };
  expect(0x08, std::string("\x00\x7f\xff", 3), at::tensor({0, 127, 255}, at::kByte));
  expect(0x09, std::string("\x00\x7f\xff", 3), at::tensor({0, 127, -1}, at::kChar));
  expect(0x0B, std::string("\x01\x02\xff\xfe", 4), at::tensor({258, -2}, at::kShort));
  expect(0x0C, std::string("\x00\x01\x00\x02\xff\xff\xff\xfe", 8),
         at::tensor({65538, -2}, at::kInt));
  expect(0x0D, std::string("\x3f\x80\x00\x00\xc0\x20\x00\x00", 8),
         at::tensor({1.0, -2.5}, at::kFloat));
  expect(0x0E, std::string("\xc0\x04\x00\x00\x00\x00\x00\x00", 8), at::tensor({-2.5}, at::kDouble));
}

TEST_F(Idx, ShapesFromScalarToCube) {
  EXPECT_EQ(read(idx_bytes(8, {}, "a")).dim(), 0);
  EXPECT_EQ(read(idx_bytes(8, {0}, "")).numel(), 0);
  EXPECT_EQ(read(idx_bytes(8, {3, 0, 2}, "")).sizes(), at::IntArrayRef({3, 0, 2}));
  const Tensor cube = read(idx_bytes(8, {2, 3, 2}, "abcdefghijkl"));
  EXPECT_TRUE(at::equal(cube, at::arange(97, 109, at::kByte).view({2, 3, 2})));
}

TEST_F(Idx, GzipIsToldByContentAndMayBeConcatenated) {
  const std::string bytes = idx_bytes(8, {6}, "abcdef");
  const Tensor expected = read(bytes);
  EXPECT_TRUE(at::equal(read(gzip(bytes)), expected));
  EXPECT_TRUE(at::equal(read(gzip(bytes.substr(0, 5)) + gzip(bytes.substr(5))), expected));
}

TEST_F(Idx, EveryTruncationIsRefused) {
  const std::string plain = idx_bytes(0x0B, {2, 3}, "abcdefghijkl");
  for (const std::string& bytes : {plain, gzip(plain)}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_NE(refused(bytes.substr(0, size)).find(path().string()), std::string::npos) << size;
    }
  }
}

TEST_F(Idx, TrailingBytesAreRefused) {
  const std::string bytes = idx_bytes(8, {6}, "abcdef");
  EXPECT_NE(refused(bytes + "x").find("goes on after"), std::string::npos);
  EXPECT_NE(refused(gzip(bytes + "x")).find("goes on after"), std::string::npos);
  EXPECT_NE(refused(gzip(bytes) + "x").find("gzip"), std::string::npos);
  EXPECT_NE(refused(gzip(bytes) + std::string(100, '\0')).find("gzip"), std::string::npos);
}

TEST_F(Idx, EveryFlippedBitOfAHeaderIsRefusedOrFitsTheFile) {
  const std::string bytes = idx_bytes(0x0B, {2, 3}, "abcdefghijkl");
  const std::size_t header = bytes.size() - 12;
  for (std::size_t bit = 0; bit < 8 * header; ++bit) {
    try {
      EXPECT_EQ(read(with_bit_flipped(bytes, bit)).nbytes(), 12U) << bit;
    } catch (const Error&) {
    }
  }
}

TEST_F(Idx, EveryFlippedBitOfAGzipIsRefusedOrHarmless) {
  std::string data;
  for (int i = 0; i < 300; ++i) data += static_cast<char>(i * i % 251);
  const std::string bytes = gzip(idx_bytes(8, {3, 100}, data));
  const Tensor expected = read(bytes);
  int refusals = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    try {
      EXPECT_TRUE(at::equal(read(with_bit_flipped(bytes, bit)), expected)) << bit;
    } catch (const Error&) {
      ++refusals;
    }
  }
  EXPECT_GT(refusals, static_cast<int>(8 * (bytes.size() - 10)));  // all beyond gzip's header
}

TEST_F(Idx, WhatTheHeaderDeclaresIsBounded) {
  EXPECT_NE(refused(idx_bytes(8, {1U << 31, 1U << 31, 1U << 31}, "")).find("64 GiB"),
            std::string::npos);
  EXPECT_NE(refused(idx_bytes(0x0E, {0, 1U << 31, 1U << 31}, "")).find("64 GiB"),
            std::string::npos);
  EXPECT_NE(refused(idx_bytes(8, {1U << 31}, "short")).find("too short"), std::string::npos);
  EXPECT_NE(refused(gzip(idx_bytes(8, {1U << 31}, "short"))).find("too short"), std::string::npos);
  EXPECT_NE(refused(idx_bytes(8, std::vector<std::uint32_t>(33, 1), "a")).find("33 dimensions"),
            std::string::npos);
}

TEST_F(Idx, AGzipBombStopsAtTheDeclaredSize) {
  const std::string bomb = gzip(idx_bytes(8, {10}, std::string(100'000'000, '\0')));
  EXPECT_LT(bomb.size(), 200'000U);
  EXPECT_NE(refused(bomb).find("goes on after the 10 bytes"), std::string::npos);
}

TEST_F(Idx, OtherFilesAreRefused) {
  EXPECT_NE(refused("PNG file").find("not an IDX file"), std::string::npos);
  EXPECT_NE(refused(gzip("")).find("not an IDX file"), std::string::npos);
  EXPECT_NE(refused(idx_bytes(0x0A, {1}, "a")).find("unknown IDX type 10"), std::string::npos);
  EXPECT_NE(error_of([&] { read_idx("/nowhere/images"); }).find("/nowhere/images: no such file"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_idx("/tmp"); }).find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace reluctance
