// Images and labels that are missing, damaged or do not fit: one line that names the file.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/material.hpp"
#include "data/made_files.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

// A good file, each time with something wrong.
std::vector<std::string> damaged(const std::string& good) {
  return {std::string(), good.substr(0, good.size() / 2), with_bit_flipped(good, good.size() * 4)};
}

class BadData : public Cli {
 protected:
  // The program refuses the data, naming `file` and saying each of the words, and writes nothing.
  void expect_refused(const std::string& spec, const std::string& file,
                      std::vector<std::string> words = {}) const {
    const auto before = content(folder());
    words.push_back(file + ": ");
    const ProgramOutcome outcome = run_here({"evaluate", "--data", spec, "--model", model(),
                                             "--attack", "fgsm", "--save", "out/a.npz"});
    EXPECT_TRUE(refused(outcome, 2, words)) << spec;
    EXPECT_EQ(content(folder()), before);
  }

  void expect_arrays_refused(const Tensor& images, const Tensor& labels,
                             const std::vector<std::string>& words) const {
    write_npz(in_folder("data.npz"), {{"images", images}, {"labels", labels}});
    expect_refused("data.npz", "data.npz", words);
  }
};

TEST_F(BadData, NpzFiles) {
  const std::string good = bytes_of(images());
  expect_refused("missing.npz", "missing.npz", {"no such file"});
  fs::create_directories(in_folder("folder.npz"));
  expect_refused("folder.npz", "folder.npz", {"not a regular file"});
  for (const std::string& bad : damaged(good)) {
    put_file(in_folder("bad.npz"), bad);
    expect_refused("bad.npz", "bad.npz");
  }
}

TEST_F(BadData, IdxFiles) {
  const Tensor pixels = dataset(20).samples.images.mul(255).to(at::kByte).contiguous();
  const std::string good = gzip(idx_bytes(
      8, {20, 28, 28}, {reinterpret_cast<const char*>(pixels.data_ptr<uint8_t>()), 20 * 28 * 28}));
  put_file(in_folder("labels"), idx_bytes(8, {20}, std::string(20, '\1')));
  put_file(in_folder("images.gz"), good);
  const Arguments evaluate{"evaluate", "--model", model(), "--attack", "fgsm", "--data"};
  EXPECT_TRUE(succeeded(run_here(evaluate + Arguments{"idx:images.gz,labels"})));
  expect_refused("idx:missing.gz,labels", "missing.gz", {"no such file"});
  expect_refused("idx:images.gz,.", ".", {"not a regular file"});
  for (const std::string& bad : damaged(good)) {
    put_file(in_folder("bad.gz"), bad);
    expect_refused("idx:bad.gz,labels", "bad.gz");
  }
}

TEST_F(BadData, Arrays) {
  const Dataset data = dataset(4);
  write_npz(in_folder("data.npz"), {{"images", data.samples.images}});
  expect_refused("data.npz", "data.npz", {"which of its arrays", "images"});
  expect_arrays_refused(data.samples.images, data.samples.labels.slice(0, 0, 3),
                        {"4 images", "3 labels"});
  expect_arrays_refused(data.samples.images, at::tensor({0, 1, 2, 10}, at::kLong),
                        {"label 10 of image 3", "not below 10"});
  expect_arrays_refused(data.samples.images, data.samples.labels - 10, {"negative"});
  expect_arrays_refused(data.samples.images * 255, data.samples.labels,
                        {"0 to 255", "--scale 255"});
  expect_arrays_refused(data.samples.images - 1, data.samples.labels, {"-1 to 0"});
  Tensor images = data.samples.images.clone();
  images[2][0][5][5] = std::nan("");
  expect_arrays_refused(images, data.samples.labels, {"image 2", "NaN"});
}

TEST_F(BadData, ImagesOfAnotherSizeNameBothShapes) {
  const Dataset data = dataset(4);
  write_npz(in_folder("data.npz"),
            {{"images", data.samples.images.slice(2, 0, 14)}, {"labels", data.samples.labels}});
  expect_refused("data.npz", "model.onnx", {"1 x 28 x 28", "data.npz", "1 x 14 x 28"});
}

TEST_F(BadData, ImagesWithTheirChannelsLastAreTurned) {
  const Tensor bright = at::rand({60, 12, 9, 3});
  const Tensor labels = bright.select(3, 0).flatten(1).mean(1).gt(0.5).to(at::kLong);
  const auto save = [&](const std::string& name, const Tensor& images) {
    write_npz(in_folder(name), {{"images", images.contiguous()}, {"labels", labels}});
  };
  save("first.npz", bright.permute({0, 3, 1, 2}));
  save("last.npz", bright);
  save("odd.npz", bright.permute({0, 1, 3, 2}));
  ASSERT_TRUE(succeeded(run_here(
      {"train", "--data", "first.npz", "--arch", "cnn", "--epochs", "1", "--batch-size", "10"})));
  const auto evaluated = [&](const std::string& data) {
    return run_here({"evaluate", "--data", data, "--model", "out/train/model.onnx", "--attack",
                     "fgsm", "--eps", "0.01"});
  };
  const ProgramOutcome as_trained = evaluated("first.npz");
  const ProgramOutcome turned = evaluated("last.npz");
  EXPECT_TRUE(succeeded(as_trained));
  EXPECT_EQ(turned.out, as_trained.out);
  EXPECT_NE(turned.err.find("moved the channels"), std::string::npos) << turned.err;
  EXPECT_TRUE(refused(evaluated("odd.npz"), 2, {"12 x 3 x 9", "transpose"}));
}

}  // namespace
}  // namespace reluctance
