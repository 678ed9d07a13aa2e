// Folders of pictures, and what is read of single ones.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/made_files.hpp"
#include "data/made_pictures.hpp"
#include "data/picture.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/data/png.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

class Pictures : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  fs::path put(const std::string& name, const std::string& bytes) const {
    put_file(path(name), bytes);
    return path(name);
  }
  fs::path put(const std::string& name, const Tensor& pixels) const {
    write_png(path(name), pixels.unsqueeze(0).to(at::kFloat).div(255));
    return path(name);
  }
  std::string spec(const std::string& rest = "") const {
    return "folder:" + (folder_.path() / "set").string() + rest;
  }
  std::string refused(const std::string& name, const std::string& bytes) const {
    return error_of([&] { read_picture(put(name, bytes)); });
  }

 private:
  const TemporaryFolder folder_;
};

TEST_F(Pictures, AreReadAsTheyAreStored) {
  for (const int64_t channels : {1, 3}) {
    const Tensor pixels = shades(channels, 9, 12);
    EXPECT_TRUE(at::equal(read_picture(put("a.png", pixels)), pixels));
    const Tensor back = read_picture(put("a.jpg", jpeg(pixels)));
    ASSERT_EQ(back.sizes(), pixels.sizes());
    EXPECT_LE((back.to(at::kInt) - pixels.to(at::kInt)).abs().max().item<int>(), 2);
  }
  // A palette, whose places take less than a byte each.
  const std::vector<uint8_t> palette{10, 20, 30, 40, 50, 60};
  const Tensor two = read_picture(put("two.png", png(PNG_FORMAT_RGB | PNG_FORMAT_FLAG_COLORMAP,
                                                     {0, 1, 1, 0, 0, 1}, 3, 2, palette)));
  EXPECT_TRUE(at::equal(two[0], at::tensor({10, 40, 40, 10, 10, 40}, at::kByte).view({2, 3})));
  EXPECT_TRUE(at::equal(two[2], at::tensor({30, 60, 60, 30, 30, 60}, at::kByte).view({2, 3})));
  // By content, not by name.
  EXPECT_EQ(read_picture(put("b.png", jpeg(shades(3, 8, 8)))).size(0), 3);
}

TEST_F(Pictures, OfOtherKindsAreRefused) {
  expect_contains(refused("a.png", png(PNG_FORMAT_RGBA, std::vector<uint8_t>(16, 9), 2, 2)),
                  "a.png: is transparent in places");
  expect_contains(refused("w.png", png(PNG_FORMAT_LINEAR_Y, std::vector<uint8_t>(8, 9), 2, 2)),
                  "w.png: has 16 bits a channel");
  expect_contains(refused("t.png", "GIF89a"), "t.png: is neither PNG nor JPEG");
  expect_contains(refused("e.png", ""), "e.png: is neither PNG nor JPEG");
  EXPECT_NE(error_of([&] { read_picture(path("missing.png")); }).find("no such file"),
            std::string::npos);
}

TEST_F(Pictures, ThatAreDamagedAreRefused) {
  put("a.png", shades(3, 9, 12));
  const std::string sound = read_file(path("a.png"), 1 << 20);
  for (std::size_t length = 4; length < sound.size(); length += 3) {
    expect_contains(refused("short.png", sound.substr(0, length)), "cannot be read as PNG: ");
  }
  for (std::size_t byte = sound.find("IDAT"); byte + 16 < sound.size(); byte += 5) {
    EXPECT_NE(refused("bit.png", with_bit_flipped(sound, 8 * byte)), "") << byte;
  }
  const std::string other = jpeg(shades(3, 40, 40));
  for (std::size_t length = 2; length + 2 < other.size(); length += 7) {
    expect_contains(refused("short.jpg", other.substr(0, length)), "cannot be read as JPEG: ");
  }
}

TEST_F(Pictures, OfAFolderComeClassAfterClass) {
  for (const std::string name : {"set/b/2.png", "set/b/10.png", "set/a/x.png", "set/c/1.png"}) {
    put(name, at::full({1, 4, 5}, static_cast<int64_t>(name[4]) + name[6], at::kByte));
  }
  put("set/c/readme.txt", "text");
  put("set/c/.hidden.png", "text");
  put("set/list.csv", "text");
  fs::create_directories(path("set/.git"));
  const Dataset data = load_dataset(spec(), "test");
  EXPECT_EQ(data.name, spec());
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(data.classes, 3);
  EXPECT_EQ(data.samples.images.sizes(), (at::IntArrayRef{4, 1, 4, 5}));
  EXPECT_TRUE(at::equal(data.samples.labels, at::tensor({0, 1, 2, 1})));
  const Tensor wanted = at::tensor({'a' + 'x', 'b' + '1', 'c' + '1', 'b' + '2'}, at::kFloat) / 255;
  EXPECT_TRUE(at::equal(data.samples.images.select(3, 2).select(2, 3).squeeze(1), wanted));
  ASSERT_EQ(data.notes.size(), 1U);
  EXPECT_EQ(data.notes[0], "left out 2 files that are no PNG or JPEG in a class's folder");

  put("set/b/3.jpg", jpeg(shades(3, 4, 5)));  // one in colour makes all of them so
  const Dataset colourful = load_dataset(spec(), "test");
  EXPECT_EQ(colourful.samples.images.sizes(), (at::IntArrayRef{5, 3, 4, 5}));
  EXPECT_TRUE(at::equal(colourful.samples.images[0][0], colourful.samples.images[0][2]));
  EXPECT_FALSE(at::equal(colourful.samples.images[4][0], colourful.samples.images[4][2]));
}

TEST_F(Pictures, OfAFolderWithSplits) {
  put("set/train/a/1.png", shades(1, 4, 4));
  put("set/train/b/1.png", shades(1, 4, 4));
  put("set/val/a/1.png", shades(1, 4, 4));
  EXPECT_EQ(load_dataset(spec(), "train").samples.count(), 2);
  EXPECT_EQ(load_dataset(spec(), "train").name, spec(":train"));
  EXPECT_EQ(load_dataset(spec(), "test").samples.count(), 1);
  EXPECT_EQ(load_dataset(spec(":test"), "train").name, spec(":test"));
  EXPECT_EQ(load_dataset(spec("/train"), "test").samples.count(), 2);
  expect_contains(error_of([&] { load_dataset(spec("/train:test"), "test"); }),
                  "has no sub-folders train and test alone");
}

TEST_F(Pictures, OfAFolderThatIsNoneAreRefused) {
  const auto error = [&] { return error_of([&] { load_dataset(spec(), "test"); }); };
  expect_contains(error(), "set: cannot be listed: No such file or directory");
  fs::create_directories(path("set"));
  expect_contains(error(), "set: has no sub-folders");
  put("set/a/1.png", shades(1, 4, 4));
  fs::create_directories(path("set/b"));
  expect_contains(error(), "set/b: has no PNG or JPEG file");
  put("set/b/1.png", shades(1, 4, 6));
  expect_contains(error(), "set/b/1.png: has 6 x 4 pixels where ");
  put("set/b/1.png", "text");
  expect_contains(error(), "set/b/1.png: is neither PNG nor JPEG");
  expect_contains(error_of([&] { load_dataset("folder:", "test"); }), "lacks a folder");
  expect_contains(error_of([&] { load_dataset(spec(), "test", {.scale = 255}); }),
                  "--scale is for arrays");
}

}  // namespace
}  // namespace reluctance
