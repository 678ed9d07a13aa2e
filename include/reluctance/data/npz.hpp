// NPZ, NumPy's file format for named arrays: a zip archive with one .npy entry per array.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// The arrays called `names`, or all of them if `names` is empty. Types are kept, except that
// unsigned integers wider than a byte become int64 if all their values fit. The tensors are
// contiguous, whatever the order in the file. Throws Error naming the file and the array if the
// archive or an array is corrupt, an array is missing, or its type is not a plain number or bool.
std::map<std::string, Tensor> read_npz(const std::filesystem::path& path,
                                       const std::vector<std::string>& names = {});

// The same with the names chosen from those that are there. Progress counts the bytes of each
// array; throws Interrupted.
using ChooseArrays =
    std::function<std::vector<std::string>(const std::vector<std::string>& present)>;
std::map<std::string, Tensor> read_npz(const std::filesystem::path& path,
                                       const ChooseArrays& choose, const Progress& progress = {});

// Writes at least one CPU tensor of type float16/32/64, int8/16/32/64, uint8 or bool, under
// distinct names. Equal arrays give equal bytes. The file is written whole or not at all, and
// missing parent folders are created. Throws Error (Kind::job) naming the path and the reason; no
// temporary stays.
void write_npz(const std::filesystem::path& path, const NamedTensors& arrays);

}  // namespace reluctance
