// IDX, the file format of MNIST and Fashion-MNIST.
#pragma once

#include <filesystem>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// The array of an IDX file, plain or gzipped (told by its first bytes, not by its name), with the
// file's shape and its type: uint8, int8, int16, int32, float32 or float64. Throws Error naming the
// file if it is not such a file, is corrupt, or holds more or less than its header declares.
// Progress counts bytes. Throws Interrupted.
Tensor read_idx(const std::filesystem::path& path, const Progress& progress = {});

}  // namespace reluctance
