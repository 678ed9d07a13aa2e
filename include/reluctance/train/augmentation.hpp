// Random crops and flips of training images.
#pragma once

#include <cstdint>

#include "reluctance/base/samples.hpp"

namespace reluctance {

struct Augmentation {
  int64_t crop = 0;   // zeros around the image, out of which one of its size is cut at random
  bool flip = false;  // whether every second image, at random, is mirrored from left to right

  bool none() const { return crop == 0 && !flip; }
};

// Throws Error, naming the option, unless images of that sample shape are channels x height x
// width and no crop could miss all of one.
void require_images(const Augmentation& augmentation, const Shape& sample);

// The images, N x C x H x W, after that. What becomes of one depends on the seed and its sample's
// index alone.
Tensor augmented(const Samples& samples, const Augmentation& augmentation, std::uint64_t seed);

}  // namespace reluctance
