// One picture as a PNG or JPEG file.
#pragma once

#include <filesystem>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Whether the name ends as those of such files do: .png, .jpg or .jpeg, in upper or lower case.
bool is_picture_name(const std::filesystem::path& path);

// Its pixels as they are stored, C x H x W (uint8): grey (C = 1) or colour (C = 3), of at most 4096
// x 4096 pixels and 8 bits; fewer bits and palettes are widened. Colour profiles, gamma and
// orientation are not applied. Throws Error naming the file if it is corrupt, ends
// early, or is of another kind: with transparency, more bits, or the colours of print.
Tensor read_picture(const std::filesystem::path& path);

}  // namespace reluctance
