// CIFAR-10 as its authors give it: the "binary version", records of one label byte and three 32 x
// 32 colour planes, and the "Python version" (data/pickle.hpp).
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Images (N x 3 x 32 x 32 uint8) and labels (N int64) of data_batch_1 to data_batch_5 in `folder`
// if `split` is "train", else of test_batch; with the ending .bin where they are binary. Throws
// Error naming the file.
std::pair<Tensor, Tensor> read_cifar10(const std::filesystem::path& folder,
                                       const std::string& split);

}  // namespace reluctance
