#include "reluctance/network/layout.hpp"

#include <algorithm>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

// The extents that hold more than one value.
Shape lasting(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

bool are_channels(int64_t extent) { return extent == 1 || extent == 3 || extent == 4; }

// Whether several channels come last, as far as a shape can tell.
bool ends_in_channels(const Shape& shape) {
  return shape.size() == 3 && shape[2] != 1 && are_channels(shape[2]) && !are_channels(shape[0]);
}

}  // namespace

ImageLayout image_layout(const Shape& images, const Shape& input) {
  if (lasting(images) == lasting(input)) return {};
  const auto refuse = [&](const std::string& why) {
    return Error("takes samples of " + to_string(input) + ", but the data has samples of " +
                 to_string(images) + why);
  };
  if (elements(images) != elements(input)) throw refuse("; choose data that fits with --data");
  if (images.size() == 3 && input == Shape{images[2], images[0], images[1]} &&
      are_channels(images[2])) {
    return {{2, 0, 1}, "moved the channels of the images from the last axis to the first"};
  }
  if (images.size() == 3 && input == Shape{images[1], images[2], images[0]} &&
      are_channels(images[0])) {
    return {{1, 2, 0}, "moved the channels of the images from the first axis to the last"};
  }
  const bool flattens = lasting(input).size() == 1;
  const bool unfolds = lasting(images).size() == 1;
  if (flattens && !ends_in_channels(images)) return {};
  if (unfolds && !ends_in_channels(input)) return {};
  if (flattens || unfolds) {
    throw refuse(
        ": in which order do the channels lie? Reshape the images to those of the network "
        "(numpy: images.reshape or images.transpose)");
  }
  throw refuse(
      ", as many numbers in another arrangement; transpose the images (numpy: images.transpose)");
}

}  // namespace reluctance
