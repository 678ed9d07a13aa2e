// Pictures in memory, by other interfaces of their libraries than the readers use.
#pragma once

#include <ATen/ATen.h>
#include <png.h>
#include <turbojpeg.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// A smooth picture: C x H x W bytes.
inline Tensor shades(int64_t channels, int64_t height, int64_t width) {
  const Tensor y = at::arange(height).view({1, -1, 1}) * 5;
  const Tensor x = at::arange(width).view({1, 1, -1}) * 3;
  return (y + x + at::arange(channels).view({-1, 1, 1}) * 20).to(at::kByte);
}

inline std::string jpeg(const Tensor& pixels) {
  const Tensor rows = pixels.permute({1, 2, 0}).contiguous();
  const bool grey = pixels.size(0) == 1;
  const auto width = static_cast<int>(pixels.size(2));
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjhandle encoder = tjInitCompress();
  const int code = tjCompress2(encoder, rows.data_ptr<uint8_t>(), width, 0,
                               static_cast<int>(pixels.size(1)), grey ? TJPF_GRAY : TJPF_RGB,
                               &bytes, &size, grey ? TJSAMP_GRAY : TJSAMP_444, 100, 0);
  if (code != 0) throw std::runtime_error("tjCompress2");
  const std::string result(reinterpret_cast<char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return result;
}

// By libpng's other interface: any of its formats, with a palette where there is one.
inline std::string png(png_uint_32 format, const std::vector<uint8_t>& values, int width,
                       int height, const std::vector<uint8_t>& palette = {}) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  image.colormap_entries = static_cast<png_uint_32>(palette.size() / 3);
  png_alloc_size_t size = 0;
  const auto write = [&](void* to) {
    if (png_image_write_to_memory(&image, to, &size, 0, values.data(), 0, palette.data()) == 0)
      throw std::runtime_error(image.message);
  };
  write(nullptr);
  std::string bytes(size, '\0');
  write(bytes.data());
  return bytes;
}

}  // namespace reluctance
