#include "reluctance/base/shares.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "reluctance/base/error.hpp"
#include "reluctance/base/piece_size.hpp"
#include "reluctance/base/processes.hpp"

namespace reluctance {
namespace {

// The pieces of all processes, of which this one does some.
struct Shares {
  // Cut as in one process, or finer, for so many processes.
  Shares(const Chunks& all, int64_t processes) : chunks(all) {
    const bool cpu = all.device.is_cpu();
    const int64_t workers = processes * (cpu ? at::get_num_threads() : 1);
    const bool as_they_are = !cpu && processes == 1;
    size = as_they_are ? all.size : piece_size(all.count, all.size, workers);
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

// As gather, of results for so many samples. Throws Error if that is another number elsewhere.
std::vector<Tensors> gather_of(int64_t count, Tensors own, const c10::Device& device) {
  own.push_back(at::scalar_tensor(count, at::kLong));
  std::vector<Tensors> all = gather(own, device);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const auto theirs = all[rank].back().item<int64_t>();
    all[rank].pop_back();
    if (theirs == count) continue;
    throw Error("rank " + std::to_string(rank) + " works on " + std::to_string(theirs) +
                " samples, this process on " + std::to_string(count) +
                "; all processes must see the same files");
  }
  return all;
}

// Zeros of the shapes that rank 0 gives, whose own tensors these are.
Tensors zeros_like_first(const Tensors& own, const c10::Device& device) {
  Tensors shapes;
  for (const Tensor& each : own) {
    shapes.push_back(at::tensor(each.sizes(), at::kLong));
    shapes.push_back(at::empty({0}, each.options()));
  }
  const Tensors first = gather(shapes, device).front();
  Tensors zeros;
  for (std::size_t k = 0; k < first.size(); k += 2) {
    const auto* sizes = first[k].data_ptr<int64_t>();
    const Shape shape(sizes, sizes + first[k].numel());
    zeros.push_back(at::zeros(shape, first[k + 1].options()));
  }
  return zeros;
}

}  // namespace

void for_each_share(const Chunks& chunks,
                    const std::function<void(int64_t begin, int64_t end)>& body) {
  if (!divides()) return for_each_chunk(chunks, body);
  const Shares shares(chunks, 1);
  const OwnShare alone;
  for_each_chunk(shares.own_chunks(),
                 [&](int64_t place, int64_t) { shares.run(shares.piece(place), body); });
  if (chunks.progress) chunks.progress->tell();
}

Tensors map_shares(const Chunks& chunks, const ChunkFunction& body) {
  if (!divides()) return map_chunks(chunks, body);
  if (chunks.count == 0) {
    const OwnShare alone;
    return map_chunks(chunks, body);
  }
  const Shares shares(chunks, 1);
  std::vector<Tensors> parts(static_cast<std::size_t>(shares.own));
  for_each_share(chunks, [&](int64_t begin, int64_t end) {
    parts[static_cast<std::size_t>(begin / shares.size / launch().count)] = body(begin, end);
  });
  Tensors own;
  for (Tensors& part : parts) own.insert(own.end(), part.begin(), part.end());
  const std::vector<Tensors> all = gather_of(chunks.count, own, chunks.device);
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
    return sum_chunks(shares.own_chunks(), [&](int64_t place, int64_t) {
      Tensors sums;
      shares.run(shares.piece(place), [&](int64_t begin, int64_t end) { sums = body(begin, end); });
      return sums;
    });
  }();
  if (shares.pieces < launch().count) {
    const Tensors zeros = zeros_like_first(own, chunks.device);
    if (own.empty()) own = zeros;
  }
  return sum_over_processes(own);
}

}  // namespace reluctance
