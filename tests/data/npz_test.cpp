// NPZ files as NumPy and others write them, and ours.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "data/npz_fixture.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

TEST_F(Npz, EveryTypeAndShapeComesBack) {
  for (at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kLong, at::kInt, at::kShort,
                              at::kChar, at::kByte, at::kBool}) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{2, 0, 3}, Shape{2, 3, 4, 5}}) {
      const Tensor tensor = (at::randn(shape) * 50).to(type).contiguous();
      write_npz(path(), {{"a", tensor}, {"weight of b", tensor}});
      const auto arrays = read_npz(path());
      EXPECT_EQ(arrays.size(), 2U);
      EXPECT_TRUE(same_bytes(tensor, arrays.at("a"))) << type << ' ' << to_string(shape);
      EXPECT_TRUE(same_bytes(tensor, arrays.at("weight of b"))) << type << ' ' << to_string(shape);
    }
  }
}

TEST_F(Npz, SpecialFloatsAndStridedTensorsComeBack) {
  const Tensor special = at::tensor({-0.0, NAN, INFINITY, -INFINITY, 1e-310}, at::kDouble);
  const Tensor matrix = at::randn({4, 6});
  const Tensor strided = matrix.t().slice(0, 1, 6, 2);
  write_npz(path(), {{"special", special}, {"strided", strided}});
  const auto arrays = read_npz(path());
  EXPECT_TRUE(same_bytes(special, arrays.at("special")));
  EXPECT_TRUE(same_bytes(strided.contiguous(), arrays.at("strided")));
}

TEST_F(Npz, HeadersOfEveryVersionAndStyle) {
  const std::string data = "abcdef";
  const Tensor expected = at::arange(97, 103, at::kByte).view({2, 3});
  for (const std::string dict :
       {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          ",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '|u1'}",
        "{\"fortran_order\":False,\"descr\":\"|u1\",\"shape\":(2,3,)}"}) {
    for (int version : {1, 2, 3}) {
      for (int method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
        EXPECT_TRUE(at::equal(read(npy_bytes(dict, data, version), method), expected)) << dict;
      }
    }
  }
  EXPECT_EQ(read(npy_array("|u1", "()", "a")).dim(), 0);
  EXPECT_TRUE(at::equal(read(npy_array("|u1", "(6,)", data)), expected.flatten()));
}

TEST_F(Npz, BothByteOrdersOfEveryType) {
  const auto expect = [&](const std::string& type, std::string data, const Tensor& expected) {
    const Tensor little = read(npy_array("<" + type, "(1,)", data));
    std::reverse(data.begin(), data.end());
    const Tensor big = read(npy_array(">" + type, "(1,)", data));
    EXPECT_TRUE(same_bytes(expected, little)) << type << little;
    EXPECT_TRUE(same_bytes(expected, big)) << type << big;
  };
  expect("i2", "\xfe\xff", at::tensor({-2}, at::kShort));
  expect("i4", "\xfe\xff\xff\xff", at::tensor({-2}, at::kInt));
  expect("i8", "\xfe\xff\xff\xff\xff\xff\xff\xff", at::tensor({-2}, at::kLong));
  expect("u2", "\xfe\xff", at::tensor({65534}, at::kLong));
  expect("u4", "\xfe\xff\xff\xff", at::tensor({4294967294L}, at::kLong));
  expect("u8", "\xfe\xff\xff\xff\xff\xff\xff\x7f", at::tensor({INT64_MAX - 1}, at::kLong));
  expect("f2", std::string("\x00\x3e", 2), at::tensor({1.5}).to(at::kHalf));
  expect("f4", std::string("\x00\x00\xc0\x3f", 4), at::tensor({1.5}, at::kFloat));
  expect("f8", std::string("\x00\x00\x00\x00\x00\x00\xf8\x3f", 8), at::tensor({1.5}, at::kDouble));
}

TEST_F(Npz, BytesAndBools) {
  EXPECT_TRUE(
      at::equal(read(npy_array("|i1", "(2,)", "\xff\x01")), at::tensor({-1, 1}, at::kChar)));
  // NumPy reads any byte but 0 as True.
  const Tensor bools = read(npy_array("|b1", "(3,)", std::string("\0\1\2", 3)));
  EXPECT_TRUE(at::equal(bools, at::tensor({0, 1, 1}).to(at::kBool)));
}

TEST_F(Npz, FortranOrderIsTransposed) {
  const auto fortran = [&](const std::string& shape, const std::string& data) {
    return read(
        npy_bytes("{'descr': '|u1', 'fortran_order': True, 'shape': " + shape + ", }", data));
  };
  EXPECT_TRUE(same_bytes(at::tensor({97, 99, 101, 98, 100, 102}, at::kByte).view({2, 3}),
                         fortran("(2, 3)", "abcdef")));
  const Tensor cube = at::arange(24, at::kByte).view({2, 3, 4});
  const Tensor reversed = cube.permute({2, 1, 0}).contiguous();
  const std::string data(static_cast<const char*>(reversed.data_ptr()), reversed.nbytes());
  EXPECT_TRUE(same_bytes(cube, fortran("(2, 3, 4)", data)));
  EXPECT_EQ(fortran("()", "a").dim(), 0);
}

TEST_F(Npz, NamesAreChosenAndMissingOnesListed) {
  const Tensor one = at::ones({2});
  write_npz(path(), {{"images", one}, {"labels", one}});
  EXPECT_EQ(read_npz(path(), {"labels"}).size(), 1U);
  const std::string message = error_of([&] { read_npz(path(), {"y"}); });
  EXPECT_NE(message.find("no array 'y'; it has images and labels"), std::string::npos) << message;
}

TEST_F(Npz, EqualArraysGiveEqualBytes) {
  const Tensor tensor = at::arange(5);
  write_npz(path(), {{"x", tensor}});
  const std::string bytes = read_file(path(), 10'000);
  write_npz(path(), {{"x", tensor.clone()}});
  EXPECT_EQ(read_file(path(), 10'000), bytes);
  EXPECT_EQ(bytes.substr(10, 4), std::string("\x00\x00\x21\x00", 4));  // 1 January 1980, 0:00
  const std::size_t header = bytes.find("\x93NUMPY");
  EXPECT_EQ((bytes.find('\n', header) + 1 - header) % 64, 0U);
}

TEST_F(Npz, FailedWritesLeaveTheOldFileAndNothingElse) {
  const auto only_the_old_file = [&] {
    return std::distance(fs::directory_iterator(folder()), {}) == 1 && read_npz(path()).size() == 1;
  };
  write_npz(path(), {{"old", at::ones({2})}});

  EXPECT_THROW(write_npz(path(), {{"x", at::ones({2}, at::kComplexFloat)}}), Error);
  EXPECT_TRUE(only_the_old_file());
  EXPECT_THROW(write_npz(path(), {{"x", at::ones({2})}, {"x", at::ones({2})}}), Error);
  EXPECT_TRUE(only_the_old_file());

  // A limit on file sizes stands in for a full disk.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight{100'000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  try {
    write_npz(path(), {{"x", at::ones({100'000})}});
    ADD_FAILURE() << "wrote beyond the limit";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find(path().string()), std::string::npos);
  }
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(only_the_old_file());
}

TEST_F(Npz, FoldersAreMadeOrTheFailureNamesThePath) {
  write_npz(folder() / "deep" / "er" / "file.npz", {{"x", at::ones({2})}});
  EXPECT_EQ(read_npz(folder() / "deep" / "er" / "file.npz").size(), 1U);
  const std::string message = error_of([&] {
    write_npz("/dev/full/file.npz", {{"x", at::ones({2})}});
  });
  EXPECT_NE(message.find("/dev/full/file.npz"), std::string::npos) << message;
  fs::create_directories(path() / "occupied");
  EXPECT_THROW(write_npz(path(), {{"x", at::ones({2})}}), Error);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder()), {}), 2);
}

}  // namespace
}  // namespace reluctance
