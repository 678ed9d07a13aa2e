// How finely samples are cut for threads and processes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reluctance {

// Pieces below this size spend more on starting operators than on running them.
constexpr int64_t smallest_piece = 16;

// So many processes have the bits of one, on CPUs: what they attack is cut alike.
constexpr int64_t processes_alike = 4;

// The size of the pieces of `count` samples: at most `size`, and as many for each of the workers,
// unless that takes pieces of less than `smallest`.
inline int64_t piece_size(int64_t count, int64_t size, int64_t workers,
                          int64_t smallest = smallest_piece) {
  const auto divided = [](int64_t number, int64_t by) { return (number + by - 1) / by; };
  const int64_t fewest = std::max<int64_t>(divided(count, size), 1);
  const int64_t even = divided(fewest, workers) * workers;
  return std::max<int64_t>(divided(count, std::max(fewest, std::min(even, count / smallest))), 1);
}

}  // namespace reluctance
