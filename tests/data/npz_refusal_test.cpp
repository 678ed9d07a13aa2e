// Damaged, hostile and unsupported NPZ files: each is refused, none is misread.
#include "data/npz_fixture.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

class RefusedNpz : public Npz {};

TEST_F(RefusedNpz, UnsignedIntegersThatDoNotFitAreRefused) {
  EXPECT_NE(refused(npy_array("<u8", "(1,)", std::string(8, '\xff'))).find("9223372036854775807"),
            std::string::npos);
}

TEST_F(RefusedNpz, OtherTypesAreRefusedByName) {
  for (const auto& [descr, word] :
       std::vector<std::pair<std::string, std::string>>{{"|O", "Python objects"},
                                                        {"|V8", "structured"},
                                                        {"|S3", "strings"},
                                                        {"<U3", "strings"},
                                                        {"<c8", "complex"},
                                                        {"<M8[ns]", "dates"},
                                                        {"<f16", "<f16"},
                                                        {"f4", "f4"},
                                                        {"|f4", "|f4"},
                                                        {"=f4", "=f4"},
                                                        {"<", "'<'"},
                                                        {"", "''"}}) {
    EXPECT_NE(refused(npy_array(descr, "(1,)", std::string(8, '\0'))).find(word), std::string::npos)
        << descr;
  }
  EXPECT_NE(refused(npy_bytes("{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, "
                              "'shape': (1,), }",
                              std::string(8, '\0')))
                .find("structured"),
            std::string::npos);
}

TEST_F(RefusedNpz, OnlyTheThreeKeysWithTheirKindsOfValuesAreParsed) {
  const std::string rest = "'fortran_order': False, 'shape': (1,)";
  for (const std::string& dict : std::vector<std::string>{
           "",
           "{}",
           "{" + rest + "}",
           "{'descr': '|u1', 'shape': (1,)}",
           "{'descr': '|u1', 'fortran_order': False}",
           "{'descr': '|u1', 'descr': '|u1', " + rest + "}",
           "{'descr': '|u1', 'extra': 1, " + rest + "}",
           "{'descr': '|u1', " + rest,
           "{'descr': '|u1', " + rest + "} x",
           "{'descr': '|u1' " + rest + "}",
           "{'descr' '|u1', " + rest + "}",
           "{'descr: |u1",
           "{'descr': '|u1\n', " + rest + "}",
           "{'descr': u1, " + rest + "}",
           "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (1.0,)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (1L,)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (1,,)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (len('a'),)}",
           "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}"}) {
    EXPECT_NE(refused(npy_bytes(dict, "a")).find("array 'x'"), std::string::npos) << dict;
  }
}

TEST_F(RefusedNpz, SizesMustAgreeAndAreBounded) {
  EXPECT_NE(refused(npy_array("<f4", "(2,)", "abcdefg")).find("take 8"), std::string::npos);
  EXPECT_NE(refused(npy_array("<f4", "(2,)", "abcdefghi")).find("take 8"), std::string::npos);
  EXPECT_NE(refused(npy_array("<f4", "(4294967296, 4294967296)", "")).find("64 GiB"),
            std::string::npos);
  EXPECT_NE(refused(npy_array("<f4", "(0, 4294967296, 4294967296)", "")).find("64 GiB"),
            std::string::npos);
  std::string ones = "(1";
  for (int i = 0; i < 32; ++i) ones += ", 1";
  EXPECT_NE(refused(npy_array("|u1", ones + ")", "a")).find("32 dimensions"), std::string::npos);
}

TEST_F(RefusedNpz, AZipBombIsRefused) {
  write_zip(path(), {{"x.npy", npy_array("|u1", "(3,)", std::string(100'000'000, '\0'))}},
            ZIP_CM_DEFLATE);
  EXPECT_NE(error_of([&] { read_npz(path()); }).find("100000000 bytes"), std::string::npos);
  // The same with a size that no compression of the entry could reach.
  const std::string good = npy_array("|u1", "(3,)", "abc");
  write_zip(path(), {{"x.npy", good}}, ZIP_CM_DEFLATE);
  std::string bytes = read_file(path(), 10'000);
  std::string size(4, '\0');
  size[0] = static_cast<char>(good.size());
  for (std::size_t at = bytes.find(size); at != std::string::npos; at = bytes.find(size, at + 1)) {
    bytes.replace(at, 4, std::string("\x00\x00\x00\x7f", 4));
  }
  put_file(path(), bytes);
  EXPECT_NE(error_of([&] { read_npz(path()); }).find("compressed bytes can hold"),
            std::string::npos);
}

// Bytes that are read as part of many entries make a small file a large one.
TEST_F(RefusedNpz, EntriesThatOverlapAreRefused) {
  const std::string first = npy_array("|u1", "(3,)", "abc");
  write_zip(path(),
            {{"x.npy", first}, {"y.npy", npy_array("|u1", "(1000,)", std::string(1000, 'a'))}});
  const auto size = [](std::size_t bytes) {
    return std::string{static_cast<char>(bytes), static_cast<char>(bytes >> 8), '\0', '\0'};
  };
  std::string bytes = read_file(path(), 10'000);
  const std::string was = size(first.size());
  for (std::size_t at = bytes.find(was); at != std::string::npos; at = bytes.find(was, at + 1)) {
    bytes.replace(at, was.size(), size(first.size() + 1000));
  }
  put_file(path(), bytes);
  EXPECT_NE(error_of([&] { read_npz(path()); }).find("overlap"), std::string::npos);
}

TEST_F(RefusedNpz, NotNpyInsideIsRefused) {
  const std::string good = npy_array("|u1", "(1,)", "a");
  EXPECT_NE(refused("").find("ends early"), std::string::npos);
  EXPECT_NE(refused("just some text").find("not in the .npy format"), std::string::npos);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(refused(good.substr(0, size)), "") << size;
  }
  EXPECT_NE(refused(npy_bytes("{}", "", 4)).find("version 4.0"), std::string::npos);
}

TEST_F(RefusedNpz, OtherArchivesAreRefused) {
  const std::string good = npy_array("|u1", "(1,)", "a");
  const auto reading = [&] { return error_of([&] { read_npz(path()); }); };
  put_file(path(), "");
  EXPECT_NE(reading(), "");
  put_file(path(), "this is no archive at all, only text");
  EXPECT_NE(reading().find("zip archive"), std::string::npos);
  write_zip(path(), {{"readme.txt", "hello"}});
  EXPECT_NE(reading().find("no arrays"), std::string::npos);
  write_zip(path(), {{"x.npy", good}}, ZIP_CM_STORE, "password");
  EXPECT_NE(reading().find("array 'x': cannot be opened"), std::string::npos) << reading();
  write_zip(path(), {{"x.npy", good}}, ZIP_CM_BZIP2);
  EXPECT_NE(reading().find("method 12"), std::string::npos) << reading();
  // Two entries of one name: both headers of the second are renamed.
  write_zip(path(), {{"x.npy", good}, {"y.npy", good}});
  std::string bytes = read_file(path(), 10'000);
  for (std::size_t at = bytes.find("y.npy"); at != std::string::npos; at = bytes.find("y.npy")) {
    bytes[at] = 'x';
  }
  put_file(path(), bytes);
  EXPECT_NE(reading().find("zip archive"), std::string::npos) << reading();
  EXPECT_NE(error_of([&] { read_npz("/nowhere.npz"); }).find("no such file"), std::string::npos);
}

TEST_F(RefusedNpz, EveryTruncationAndFlippedBitIsRefusedOrHarmless) {
  const Tensor first = at::arange(7, at::kFloat);
  const Tensor second = at::tensor({3, -4}, at::kShort);
  write_npz(path(), {{"first", first}, {"b", second}});
  const std::string stored = read_file(path(), 10'000);
  write_zip(path(),
            {{"first.npy", npy_array("<f4", "(7,)", {static_cast<char*>(first.data_ptr()), 28})},
             {"b.npy", npy_array("<i2", "(2,)", {static_cast<char*>(second.data_ptr()), 4})}},
            ZIP_CM_DEFLATE);
  for (const std::string& bytes : {stored, read_file(path(), 10'000)}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      put_file(path(), bytes.substr(0, size));
      EXPECT_THROW(read_npz(path()), Error) << size;
    }
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      put_file(path(), with_bit_flipped(bytes, bit));
      try {
        const auto arrays = read_npz(path());
        EXPECT_EQ(arrays.size(), 2U) << bit;
        EXPECT_TRUE(arrays.contains("first") && same_bytes(first, arrays.at("first"))) << bit;
        EXPECT_TRUE(arrays.contains("b") && same_bytes(second, arrays.at("b"))) << bit;
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace
}  // namespace reluctance
