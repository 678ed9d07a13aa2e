// The only way to make a Dataset: arrays as they were read are checked and converted.
#pragma once

#include "reluctance/data/dataset.hpp"

namespace reluctance {

struct Arrays {
  Tensor images, labels;                           // contiguous, as load_dataset takes them
  Reading how{};                                   // scale: what white is; 0: 255 for uint8, else 1
  c10::ScalarType dtype = c10::ScalarType::Float;  // of the images as they are to be
};

// Images that are in [0, 1] and of the wanted type already share their memory with the arrays.
// `class_names` is empty if the classes are unknown, else no label may be beyond them. Throws Error
// that starts with `name` and says which sample is at fault.
Dataset make_dataset(const std::string& name, const Arrays& arrays,
                     const std::vector<std::string>& class_names);

}  // namespace reluctance
