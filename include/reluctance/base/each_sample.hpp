// Work that takes the samples one by one.
#pragma once

#include <ATen/ATen.h>

#include "reluctance/base/chunks.hpp"
#include "reluctance/base/samples.hpp"

namespace reluctance {

// What body(sample, i) gives for each sample alone, as rows: N x the shape of it. On all threads.
template <typename Body>
Tensor each_sample(const Samples& samples, const Body& body) {
  const auto rows = [&](int64_t begin, int64_t end) {
    Tensors all;
    for (int64_t i = begin; i < end; ++i) all.push_back(body(samples.slice(i, i + 1), i));
    return Tensors{at::stack(all)};
  };
  return map_chunks({samples.images.device(), samples.count(), 1}, rows)[0];
}

}  // namespace reluctance
