#include "reluctance/base/shares.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "reluctance/base/processes.hpp"

namespace reluctance {
namespace {

// The pieces of all processes, of which this one does some.
struct Shares {
  // Cut as in one process, or finer, for so many processes.
  Shares(const Chunks& all, int64_t processes) : chunks(all) {
    constexpr int64_t smallest = 16;  // as base/chunks.hpp
    const bool cpu = all.device.is_cpu();
    const int64_t workers = processes * (cpu ? at::get_num_threads() : 1);
    const int64_t each = (all.count + workers - 1) / workers;
    const bool as_they_are = !cpu && processes == 1;
    size = as_they_are ? all.size : std::min(all.size, std::max(each, smallest));
    pieces = (all.count + size - 1) / size;
    own = (pieces - launch().rank + launch().count - 1) / launch().count;
  }

  void run(int64_t piece, const std::function<void(int64_t begin, int64_t end)>& body) const {
    const int64_t begin = piece * size;
    body(begin, std::min(chunks.count, begin + size));
    // The others are as far.
    if (chunks.progress) {
      const int64_t first = piece / launch().count * launch().count * size;
      chunks.progress->add(std::min(chunks.count, first + launch().count * size) - first);
    }
  }

  int64_t piece(int64_t own_place) const { return own_place * launch().count + launch().rank; }
  Chunks own_chunks() const { return {chunks.device, own, 1}; }

  Chunks chunks;
  int64_t size, pieces, own;
};

}  // namespace

void for_each_share(const Chunks& chunks,
                    const std::function<void(int64_t begin, int64_t end)>& body) {
  if (!divides()) return for_each_chunk(chunks, body);
  const Shares shares(chunks, 1);
  const OwnShare alone;
  for_each_chunk(shares.own_chunks(),
                 [&](int64_t place, int64_t) { shares.run(shares.piece(place), body); });
}

Tensors map_shares(const Chunks& chunks, const ChunkFunction& body) {
  if (!divides() || chunks.count == 0) return map_chunks(chunks, body);
  const Shares shares(chunks, 1);
  std::vector<Tensors> parts(static_cast<std::size_t>(shares.own));
  for_each_share(chunks, [&](int64_t begin, int64_t end) {
    parts[static_cast<std::size_t>(begin / shares.size / launch().count)] = body(begin, end);
  });
  Tensors own;
  for (Tensors& part : parts) own.insert(own.end(), part.begin(), part.end());
  const std::vector<Tensors> all = gather(own, chunks.device);
  const int64_t of_first = (shares.pieces + launch().count - 1) / launch().count;
  Tensors joined(all[0].size() / static_cast<std::size_t>(of_first));
  for (std::size_t k = 0; k < joined.size(); ++k) {
    Tensors list;
    for (int64_t piece = 0; piece < shares.pieces; ++piece) {
      const auto place = static_cast<std::size_t>(piece / launch().count);
      const Tensor& part =
          all[static_cast<std::size_t>(piece % launch().count)][place * joined.size() + k];
      if (part.defined()) list.push_back(part);
    }
    if (!list.empty()) joined[k] = at::cat(list);
  }
  return joined;
}

Tensors sum_shares(const Chunks& chunks, const ChunkFunction& body) {
  if (!divides() || chunks.count == 0) return sum_chunks(chunks, body);
  const Shares shares(chunks, launch().count);
  Tensors own = [&] {
    const OwnShare alone;
    const auto piece = [&](int64_t number) {
      Tensors sums;
      shares.run(number, [&](int64_t begin, int64_t end) { sums = body(begin, end); });
      return sums;
    };
    if (shares.own > 0) {
      return sum_chunks(shares.own_chunks(),
                        [&](int64_t place, int64_t) { return piece(shares.piece(place)); });
    }
    // The shapes are known, and nothing is added.
    Tensors nothing = sum_chunks({chunks.device, 1, 1}, [&](int64_t, int64_t) { return piece(0); });
    for (Tensor& each : nothing) each.zero_();
    return nothing;
  }();
  return sum_over_processes(own);
}

Tensors map_rows(int64_t count, const c10::Device& device, const RowsFunction& body) {
  const auto places = [&](int64_t first, int64_t step) {
    return at::arange(first, count, step, at::TensorOptions(device).dtype(at::kLong));
  };
  if (!divides() || count == 0) return body(places(0, 1));
  const int64_t step = launch().count;
  const Tensors own = [&] {
    const OwnShare alone;
    return launch().rank < count ? body(places(launch().rank, step)) : Tensors{};
  }();
  const std::vector<Tensors> all = gather(own, device);
  Tensors joined(all[0].size());
  for (std::size_t k = 0; k < joined.size(); ++k) {
    if (!all[0][k].defined()) continue;
    Shape shape = all[0][k].sizes().vec();
    shape[0] = count;
    joined[k] = at::empty(shape, all[0][k].options());
    for (int64_t rank = 0; rank < std::min(step, count); ++rank) {
      joined[k].slice(0, rank, count, step).copy_(all[static_cast<std::size_t>(rank)][k]);
    }
  }
  return joined;
}

}  // namespace reluctance
