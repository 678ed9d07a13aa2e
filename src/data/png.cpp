#include "reluctance/data/png.hpp"

#include <ATen/ATen.h>
#include <png.h>

#include <string>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {

void require_picture(const Tensor& images) {
  constexpr int64_t longest = 4096;
  if (images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3) &&
      images.size(2) <= longest && images.size(3) <= longest) {
    return;
  }
  throw Error("pictures need images of 1 or 3 channels and at most 4096 x 4096 pixels");
}

void write_png(const std::filesystem::path& path, const Tensor& images) {
  require_picture(images);
  const Tensor row = at::cat(images.unbind(0), 2);  // C x H x (N W)
  const Tensor pixels =
      (row.clamp(0, 1) * 255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(pixels.size(1));
  image.height = static_cast<png_uint_32>(pixels.size(0));
  image.format = pixels.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data_ptr(), 0, nullptr) ==
      0) {
    throw Error(path.string() + ": cannot be written as PNG: " + image.message, Error::Kind::job);
  }
  bytes.resize(size);
  write_file(path, bytes);
}

}  // namespace reluctance
