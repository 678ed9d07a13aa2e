// Images with their labels.
#pragma once

#include <cstdint>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// N images that belong together. What is random about a sample depends on its `index`, which stays
// with it however the samples are cut, chosen or ordered.
struct Samples {
  Samples() = default;
  // Indices 0 to N - 1, no target. Throws Error unless there is one label for each image.
  Samples(Tensor images, Tensor labels);
  Samples(Tensor images, Tensor labels, Tensor index, Tensor target = {});

  int64_t count() const { return images.size(0); }

  // These share memory with the samples they are taken from.
  Samples slice(int64_t begin, int64_t end) const;
  Samples head(int64_t most) const { return slice(0, most); }  // the first, or all if fewer

  // Those with the given places (M, int64) among them, in that order.
  Samples rows(const Tensor& places) const;

  // The same samples with other images.
  Samples with_images(Tensor others) const { return {std::move(others), labels, index, target}; }

  // The same samples, for attacks that are to make a network answer this class.
  Samples towards(int64_t answer) const;

  Samples to(const at::Device& device) const;

  Tensor images;  // N x any shape
  Tensor labels;  // N, int64
  Tensor index;   // N, int64: which sample of its data set each one is
  Tensor target;  // N, int64: the answer that attacks are after; undefined: any but the label
};

}  // namespace reluctance
