// The only way to make a Dataset: arrays as they were read are checked and converted.
#pragma once

#include "reluctance/data/dataset.hpp"

namespace reluctance {

// Both are contiguous. Images are N x C x H x W, N x H x W or N x n, of uint8 or floating point;
// labels are N or N x 1 integers. `class_names` is empty if the classes are unknown, else no label
// may be beyond them. Throws Error that starts with `name` and says which sample is at fault.
Dataset make_dataset(const std::string& name, const Tensor& images, const Tensor& labels,
                     const std::vector<std::string>& class_names);

}  // namespace reluctance
