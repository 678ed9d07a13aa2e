// CIFAR's "Python version": batches that Python's pickle module wrote.
//
// A pickle is a program for a machine with a stack. This machine knows the instructions that those
// files consist of (protocol 2): numbers, strings, lists, tuples, one dictionary, and an array of
// bytes as NumPy describes it. It calls nothing, whatever the file names, and refuses the rest.
#pragma once

#include <filesystem>
#include <utility>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// The array `data` (N x n, uint8) and the list `labels` (N, int64) of the dictionary in the file.
// Throws Error naming the file and the byte at fault.
std::pair<Tensor, Tensor> read_pickled_batch(const std::filesystem::path& path);

}  // namespace reluctance
