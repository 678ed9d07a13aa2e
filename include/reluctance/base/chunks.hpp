// Batches cut into pieces: small ones for all cores of a CPU at once, large ones for a GPU.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// How `count` samples are cut: into consecutive pieces of at most `size`. For a CPU the pieces are
// spread over the threads that at::set_num_threads allows, where every ATen operator runs on its
// calling thread; a batch too small to fill them is cut finer. Any other device is parallel in
// itself: the caller's thread hands it one piece after the other. The pieces depend on these
// numbers and, for a CPU, the number of threads alone.
struct Chunks {
  c10::Device device;
  int64_t count;
  int64_t size;
  ProgressCounter* progress = nullptr;  // is told of the samples of each piece that is done
};

// Calls body(begin, end) for every piece; it records no autograd. Once an interrupt is requested no
// piece is begun, and Interrupted is thrown at the end. An exception of `body` is rethrown.
void for_each_chunk(const Chunks& chunks,
                    const std::function<void(int64_t begin, int64_t end)>& body);

// The tensors that `body` gives for each piece, joined along their first axis, whatever their
// number; those that are undefined for all pieces stay so. Without samples it is asked once, for
// none.
using ChunkFunction = std::function<Tensors(int64_t begin, int64_t end)>;
Tensors map_chunks(const Chunks& chunks, const ChunkFunction& body);

// Their sums, in place of what `body` gave first; all must be defined. Each thread adds up its
// pieces in their order, then the threads' sums are added in the threads' order: the same bits for
// the same number of threads. Empty for no samples.
Tensors sum_chunks(const Chunks& chunks, const ChunkFunction& body);

}  // namespace reluctance
