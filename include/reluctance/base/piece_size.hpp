// How finely samples are cut for threads and processes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reluctance {

// Pieces below this size spend more on starting operators than on running them.
constexpr int64_t smallest_piece = 16;

// The size of the pieces of `count` samples: at most `size`, and less where that leaves some of the
// workers without one, down to `smallest`.
inline int64_t piece_size(int64_t count, int64_t size, int64_t workers,
                          int64_t smallest = smallest_piece) {
  return std::min(size, std::max((count + workers - 1) / workers, smallest));
}

}  // namespace reluctance
