// Samples dealt to the processes (base/processes.hpp): each does its share of the work, and all
// know the whole result. In one process alone these are the functions of base/chunks.hpp; so they
// are inside of a share.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>

#include "reluctance/base/chunks.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Of R processes each does every R-th piece, on all of its threads. What is joined is cut as in one
// process of as many threads, and has its bits; what is added up is cut finer, so that there is
// enough for all: the same bits for the same numbers of processes and threads.
Tensors map_shares(const Chunks& chunks, const ChunkFunction& body);
Tensors sum_shares(const Chunks& chunks, const ChunkFunction& body);

// Calls body for the pieces of this process alone; nothing is told to the others.
void for_each_share(const Chunks& chunks,
                    const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace reluctance
