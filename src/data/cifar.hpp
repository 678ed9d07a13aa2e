// CIFAR-10's "binary version": records of one label byte and three 32 x 32 colour planes.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Images (N x 3 x 32 x 32 uint8) and labels (N int64) of data_batch_1.bin to data_batch_5.bin in
// `folder` if `split` is "train", else of test_batch.bin. Throws Error naming the file.
std::pair<Tensor, Tensor> read_cifar10(const std::filesystem::path& folder,
                                       const std::string& split);

}  // namespace reluctance
