// Pictures in a folder, one sub-folder for each class, as torchvision's ImageFolder lays them out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

struct PictureFolder {
  Tensor images;                     // N x C x H x W, uint8; C is 3 unless all are grey
  Tensor labels;                     // N, int64: places among the classes
  std::vector<std::string> classes;  // names of the sub-folders, in the order of their bytes
  std::vector<std::string> notes;    // what was left out, for people
};

// The first picture of each class, by name, then the second of each, and so on, so that the first N
// are of all classes. Names that begin with a dot are left out. Throws Error naming the folder or
// the file if there are no classes, one has no pictures, or not all are of one size. Progress
// counts pictures. Throws Interrupted.
PictureFolder read_folder(const std::filesystem::path& folder, const Progress& progress = {});

}  // namespace reluctance
