#include "reluctance/base/chunks.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <omp.h>

#include <algorithm>

#include "reluctance/base/piece_size.hpp"

namespace reluctance {
namespace {

// Libraries below ATen ask OpenMP how many threads they may use, and oneDNN keeps what it planned
// for that number: a plan for two threads, run by one inside a parallel region, waits for the other
// for ever. The setting belongs to the calling thread alone.
class OneThread {
 public:
  // LibTorch sets the number of each new thread when it is first asked for; that must come before.
  OneThread() : before_(at::get_num_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// The pieces of some chunks.
struct Pieces {
  explicit Pieces(const Chunks& chunks) {
    size = chunks.device.is_cpu() ? piece_size(chunks.count, chunks.size, at::get_num_threads())
                                  : chunks.size;
    count = (chunks.count + size - 1) / size;
  }

  int64_t size, count;
};

// Calls body(piece, begin, end); the pieces of one thread are consecutive.
template <typename Body>
void for_each_piece(const Chunks& chunks, const Body& body) {
  const Pieces pieces(chunks);
  const auto run = [&](int64_t first, int64_t last) {
    // Thread-local, so it is set on every thread: derivatives here never need autograd's tape.
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    for (int64_t i = first; i < last && !interrupt_requested(); ++i) {
      const int64_t begin = i * pieces.size;
      const int64_t end = std::min(chunks.count, begin + pieces.size);
      body(i, begin, end);
      if (chunks.progress) chunks.progress->add(end - begin);
    }
  };
  if (chunks.device.is_cpu()) {
    at::parallel_for(0, pieces.count, 1, [&](int64_t first, int64_t last) {
      const OneThread one_thread;
      run(first, last);
    });
  } else {
    run(0, pieces.count);
  }
  check_interrupt();
  if (chunks.progress) chunks.progress->tell();
}

}  // namespace

void for_each_chunk(const Chunks& chunks,
                    const std::function<void(int64_t begin, int64_t end)>& body) {
  for_each_piece(chunks, [&](int64_t, int64_t begin, int64_t end) { body(begin, end); });
}

Tensors map_chunks(const Chunks& chunks, const ChunkFunction& body) {
  if (chunks.count == 0) return body(0, 0);
  std::vector<Tensors> parts(static_cast<std::size_t>(Pieces(chunks).count));
  for_each_piece(chunks, [&](int64_t i, int64_t begin, int64_t end) {
    parts[static_cast<std::size_t>(i)] = body(begin, end);
  });
  Tensors joined(parts.empty() ? 0 : parts.front().size());
  for (std::size_t k = 0; k < joined.size(); ++k) {
    Tensors list;
    for (const Tensors& part : parts) {
      if (part[k].defined()) list.push_back(part[k]);
    }
    if (!list.empty()) joined[k] = list.size() == 1 ? list.front() : at::cat(list);
  }
  return joined;
}

Tensors sum_chunks(const Chunks& chunks, const ChunkFunction& body) {
  std::vector<Tensors> sums(static_cast<std::size_t>(at::get_num_threads()));
  const auto add = [](Tensors& sum, Tensors&& part) {
    if (sum.empty()) sum.swap(part);
    for (std::size_t k = 0; k < part.size(); ++k) sum[k].add_(part[k]);
  };
  for_each_piece(chunks, [&](int64_t, int64_t begin, int64_t end) {
    add(sums[static_cast<std::size_t>(at::get_thread_num())], body(begin, end));
  });
  Tensors total;
  for (Tensors& sum : sums) {
    if (!sum.empty()) add(total, std::move(sum));
  }
  return total;
}

}  // namespace reluctance
