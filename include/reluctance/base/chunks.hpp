// Batches cut into pieces that fit a core's cache and run on all cores at once.
#pragma once

#include <cstdint>
#include <functional>

namespace reluctance {

// Calls body(begin, end) for consecutive pieces of [0, count) of at most `size` samples, spread
// over the threads that at::set_num_threads allows; a batch too small to fill them is cut finer.
// Inside `body` every ATen operator runs on the calling thread and records no autograd. The pieces
// depend on `count`, `size` and the number of threads alone. An exception of `body` is rethrown.
void for_each_chunk(int64_t count, int64_t size,
                    const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace reluctance
