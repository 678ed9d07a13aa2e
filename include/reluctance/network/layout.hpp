// How images of one shape become inputs of another: which axis is which.
#pragma once

#include <string>
#include <vector>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

struct ImageLayout {
  std::vector<int64_t> order;  // of the images' axes; empty: as they are
  std::string note;            // for people; empty if nothing changes its place
};

// The one way to see images of that sample shape as such inputs: of the same extents but for those
// of 1, with the channels (1, 3 or 4) moved to where the network has them, or flattened or unfolded
// where channels come first. Throws Error, beginning with "take" and "samples", where there is none
// or where nobody can tell which of several is meant.
ImageLayout image_layout(const Shape& images, const Shape& input);

}  // namespace reluctance
