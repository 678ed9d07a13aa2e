// PNG files, read back with libpng.
#include "reluctance/data/png.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <png.h>

#include "reluctance/base/error.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

// height x width x channels, bytes.
Tensor read_back(const std::filesystem::path& path, int64_t channels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Tensor pixels = at::empty({image.height, image.width, channels}, at::kByte);
  EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.data_ptr(), 0, nullptr), 0);
  return pixels;
}

TEST(Png, HoldsTheImagesSideBySide) {
  const TemporaryFolder folder;
  for (int64_t channels : {1, 3}) {
    at::manual_seed(3);
    const Tensor images = at::rand({2, channels, 5, 7});
    const auto path = folder.path() / "new" / "pair.png";
    write_png(path, images);
    const Tensor pixels = read_back(path, channels);
    ASSERT_EQ(pixels.sizes(), (at::IntArrayRef{5, 14, channels}));
    for (int64_t i = 0; i < 2; ++i) {
      const Tensor back = pixels.slice(1, 7 * i, 7 * i + 7).permute({2, 0, 1}).to(at::kFloat) / 255;
      EXPECT_LE((back - images[i]).abs().max().item<double>(), 0.5 / 255 + 1e-6);
    }
  }
}

TEST(Png, RefusesWhatIsNoPicture) {
  EXPECT_THROW(require_picture(at::zeros({1, 2, 4, 4})), Error);
  EXPECT_THROW(require_picture(at::zeros({1, 16})), Error);
  EXPECT_THROW(require_picture(at::empty({1, 1, 5000, 4})), Error);
}

TEST(Png, SaysWhereItCannotWrite) {
  try {
    write_png("/dev/null/a.png", at::zeros({1, 1, 2, 2}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find("/dev/null"), std::string::npos);
  }
}

}  // namespace
}  // namespace reluctance
