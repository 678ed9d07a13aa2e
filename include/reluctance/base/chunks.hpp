// Batches cut into pieces: small ones for all cores of a CPU at once, large ones for a GPU.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>

namespace reluctance {

// Calls body(begin, end) for consecutive pieces of [0, count) of at most `size` samples, which
// records no autograd. For a CPU the pieces are spread over the threads that at::set_num_threads
// allows, where every ATen operator runs on its calling thread; a batch too small to fill them is
// cut finer. Any other device is parallel in itself: the caller's thread hands it one piece after
// the other. The pieces depend on the arguments and, for a CPU, the number of threads alone. An
// exception of `body` is rethrown.
void for_each_chunk(c10::Device device, int64_t count, int64_t size,
                    const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace reluctance
