// CIFAR's "Python version": whole, damaged, and pickles of other things.
#include "data/pickle.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "base/error_of.hpp"
#include "data/pickle_fixture.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/dataset.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

class Pickle : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  std::pair<Tensor, Tensor> read(const std::string& bytes) const {
    // Not write_file, which flushes thousands of files to the disk.
    std::filesystem::remove(path("test_batch"));
    std::ofstream(path("test_batch"), std::ios::binary) << bytes;
    return read_pickled_batch(path("test_batch"));
  }
  std::string refused(const std::string& bytes) const {
    return error_of([&] { read(bytes); });
  }

 private:
  const TemporaryFolder folder_;
};

const std::string rows{"\x00\x01\x02\xff\xfe\xfd", 6};

TEST_F(Pickle, ABatchIsAnArrayAndAList) {
  const auto [images, labels] = read(pickled_batch({7, 300}, rows));
  EXPECT_EQ(images.scalar_type(), at::kByte);
  EXPECT_TRUE(at::equal(images, at::tensor({0, 1, 2, 255, 254, 253}, at::kByte).view({2, 3})));
  EXPECT_TRUE(at::equal(labels, at::tensor({7, 300}, at::kLong)));
}

// What is written otherwise and means the same: entries one by one, a memo of four bytes.
TEST_F(Pickle, InstructionsOfTheSameMeaning) {
  const std::string labels = "]r" + little_endian(70000, 4) +
                             "K\x03"
                             "aj" +
                             little_endian(70000, 4);
  const std::string bytes = "\x80\x02}" + pickled_text("labels") +
                            "]K\x03"
                            "as" +
                            pickled_text("data") + pickled_array(1, "abc") + "s" +
                            pickled_text("again") + labels + "\x86s.";
  EXPECT_EQ(read(bytes).second.item<int64_t>(), 3);
}

TEST_F(Pickle, Cifar10) {
  const auto image = [](char red, char green, char blue) {
    return std::string(1024, red) + std::string(1024, green) + std::string(1024, blue);
  };
  put_file(path("test_batch"), pickled_batch({9, 0}, image(1, 2, 3) + image(4, 5, 6)));
  for (char i = 1; i <= 5; ++i) {
    put_file(path("data_batch_" + std::to_string(i)),
             pickled_batch({static_cast<std::uint32_t>(i)}, image('\0', i, '\xff')));
  }
  const std::string cifar = "cifar10:" + path("").string();
  const Dataset test = load_dataset(cifar, "test");
  EXPECT_TRUE(at::equal(test.samples.labels, at::tensor({9, 0}, at::kLong)));
  EXPECT_EQ(test.samples.images.sizes(), at::IntArrayRef({2, 3, 32, 32}));
  EXPECT_TRUE(test.samples.images[1][2].eq(6 / 255.0F).all().item<bool>());
  const Dataset train = load_dataset(cifar + ":train", "test");
  EXPECT_TRUE(at::equal(train.samples.labels, at::arange(1, 6)));
  EXPECT_TRUE(train.samples.images[2][1].eq(3 / 255.0F).all().item<bool>());

  put_file(path("test_batch"), pickled_batch({9, 0}, rows));
  EXPECT_NE(error_of([&] { load_dataset(cifar, "test"); }).find("has images of 3 bytes"),
            std::string::npos);
  put_file(path("test_batch"), pickled_batch({9}, image(1, 2, 3) + image(4, 5, 6)));
  EXPECT_NE(error_of([&] { load_dataset(cifar, "test"); }), "");
}

TEST_F(Pickle, NoOtherPickleIsRead) {
  const auto expect = [&](const std::string& bytes, const std::string& reason) {
    const std::string what = refused(bytes);
    EXPECT_NE(what.find("test_batch: " + reason), std::string::npos) << what;
    EXPECT_NE(what.find("numpy.savez('test_batch.npz', images="), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos);
  };
  const std::string data = pickled_text("data"), labels = pickled_text("labels");
  const std::string list = pickled_list({"K\x01"}), array = pickled_array(1, "abc");
  const std::string good = pickled_batch({1}, "abc");
  const auto swapped = [&](const std::string& from, const std::string& to) {
    return std::string(good).replace(good.find(from), from.size(), to);
  };
  expect(
      "\x80\x02"
      "cposix\nsystem\n(U\x06"
      "reboottR.",
      "calls something else");
  expect(
      "\x80\x02"
      "cposix\nsystem\nU\x01"
      "aK" +
          std::string(1, '\0') + "K\x01\x87R.",
      "calls something else");
  expect("\x80\x04" + good.substr(2), "is no pickle of protocol 2");
  expect("(dp1\n.", "is no pickle of protocol 2");
  expect("\x80\x02X\x01" + std::string(3, '\0') + "a.", "has the instruction 88");
  expect(pickled_dictionary(labels + list), "has no array 'data'");
  expect(pickled_dictionary(data + list + labels + list), "has no array 'data'");
  expect(pickled_dictionary(data + array), "has no list 'labels'");
  expect(pickled_dictionary(data + array + labels + pickled_list({"N"})), "holds an object where");
  expect(pickled_dictionary(data + array + labels + list + labels + list), "has a key twice");
  expect(pickled_dictionary(data + array + labels), "has a key without a value");
  expect(pickled_dictionary("K\x01" + list), "holds an object where");
  expect(swapped("u1", "i8"), "has an array of another kind");
  expect(swapped("\x89T", "\x88T"), "has an array of another kind");
  expect(swapped("U\x01|", "U\x01>"), "has another type of numbers");
  expect(swapped("_reconstruct", "frombuffer__"), "calls something else");
  expect(swapped("K\x01K\x03\x86", "K\x01K\x02\x86"), "has an array of another size");
  expect(swapped("K\x01K\x03\x86", "K\x01J" + little_endian(~0U, 4) + "\x86"),
         "has an array without");
  expect(good + ".", "does not end");
  expect("\x80\x02}}.", "does not end");
  expect("\x80\x02h\x05.", "recalls what it did not remember");
  expect(
      "\x80\x02"
      "e.",
      "lacks a mark");
  expect(
      "\x80\x02K\x01"
      "(\x86.",
      "takes more objects than there are");
  expect("\x80\x02]" + std::string(3000000, 'N') + ".", "holds too many objects");
  expect("\x80\x02" + std::string(3000000, '(') + ".", "holds too many objects");
  EXPECT_NE(refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 31035526\n")
                .find("git lfs pull"),
            std::string::npos);
}

// A list that holds itself ends nothing.
TEST_F(Pickle, AListMayHoldItself) {
  EXPECT_EQ(refused(pickled_dictionary(pickled_text("labels") +
                                       "]q\x05h\x05"
                                       "a" +
                                       pickled_text("data") + pickled_array(1, "abc")))
                    .find("holds an object where") != std::string::npos,
            true);
}

// Arrays that share a shape do not copy it: 2,000 copies of this one would take 2 GB.
TEST_F(Pickle, AShapeIsKeptOnce) {
  std::string shape = "(";
  for (int i = 0; i < 1 << 17; ++i) shape += "K\x01";
  const std::string array = pickled_array(1, "a");
  const std::string one_by_one = std::string("K\x01K\x01\x86");
  const std::size_t place = array.find(one_by_one);
  ASSERT_NE(place, std::string::npos);
  std::string bytes = "\x80\x02" + shape + "tr" + little_endian(70000, 4) + "]";
  for (int i = 0; i < 2000; ++i) {
    bytes +=
        std::string(array).replace(place, one_by_one.size(), "j" + little_endian(70000, 4)) + "a";
  }
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_NE(refused(bytes + "."), "");
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 200 * 1024) << "kB";
}

TEST_F(Pickle, DamagedFilesDoNoHarm) {
  const std::string bytes = pickled_batch({7, 3}, rows);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(refused(bytes.substr(0, length)), "") << length;
  }
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string broken = bytes;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << bit % 8));
    refused(broken);  // another image, another label, or an Error
  }
}

}  // namespace
}  // namespace reluctance
