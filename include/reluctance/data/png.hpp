// Images as PNG files.
#pragma once

#include <filesystem>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Throws Error unless `images` (N x C x H x W) are grey (C = 1) or colour (C = 3) and of at most
// 4096 x 4096 pixels.
void require_picture(const Tensor& images);

// Writes images (N x C x H x W, pixels in [0, 1]) side by side. The file is written whole or not at
// all. Throws Error (Kind::job) naming the path if that fails.
void write_png(const std::filesystem::path& path, const Tensor& images);

}  // namespace reluctance
