#include "reluctance/train/augmentation.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "reluctance/base/error.hpp"
#include "reluctance/base/random.hpp"

namespace reluctance {

void require_images(const Augmentation& augmentation, const Shape& sample) {
  if (augmentation.none()) return;
  const std::string option = augmentation.crop > 0 ? "--crop" : "--flip";
  constexpr int64_t most_channels = 4;
  if (sample.size() != 3 || sample[0] > most_channels) {
    throw Error(option + ": needs images of channels x height x width, but the network takes " +
                to_string(sample));
  }
  if (augmentation.crop >= std::min(sample[1], sample[2])) {
    throw Error("--crop " + std::to_string(augmentation.crop) + ": could miss all of an image of " +
                std::to_string(sample[1]) + " x " + std::to_string(sample[2]) + "; 4 is usual");
  }
}

Tensor augmented(const Samples& samples, const Augmentation& augmentation, std::uint64_t seed) {
  const Tensor& x = samples.images;
  const int64_t crop = augmentation.crop, height = x.size(2), width = x.size(3);
  const auto whole = x.options().dtype(at::kLong);
  const Tensor chance = uniform_rows(seed, samples.index, 3, x.to(at::kFloat));  // N x 3
  const auto corner = [&](int64_t k) {  // N x 1: where the cut begins
    return (chance.slice(1, k, k + 1) * static_cast<double>(2 * crop + 1)).to(at::kLong);
  };
  const Tensor rows = corner(0) + at::arange(height, whole);
  const Tensor columns = corner(1) + at::arange(width, whole);
  const Tensor mirrored = chance.slice(1, 2, 3).lt(augmentation.flip ? 0.5 : 0.0);
  const Tensor seen = at::where(mirrored, columns.flip(1), columns);
  const Tensor padded = at::constant_pad_nd(x, {crop, crop, crop, crop});
  const Tensor image = at::arange(x.size(0), whole).view({-1, 1, 1, 1});
  const Tensor channel = at::arange(x.size(1), whole).view({1, -1, 1, 1});
  return at::index(padded,
                   {image, channel, rows.view({-1, 1, height, 1}), seen.view({-1, 1, 1, width})});
}

}  // namespace reluctance
