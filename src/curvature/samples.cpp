#include "reluctance/curvature/samples.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <set>

#include "reluctance/base/chunks.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

// Memory that the tensors of a piece hold, each storage counted once.
int64_t bytes_of(const CurvatureSamples::Piece& piece) {
  std::set<const void*> seen;
  int64_t bytes = 0;
  for (const Tensors* list :
       {&piece.primal.pass.inputs, &piece.primal.pass.gates, &piece.primal.adjoints}) {
    for (const Tensor& tensor : *list) {
      if (tensor.defined() && seen.insert(tensor.storage().data()).second) {
        bytes += static_cast<int64_t>(tensor.storage().nbytes());
      }
    }
  }
  return bytes;
}

}  // namespace

CurvatureSamples::CurvatureSamples(Network network, Tensor images, Tensor labels, int64_t memory)
    : network_(std::move(network)), images_(std::move(images)), labels_(std::move(labels)) {
  const int64_t samples = count();
  const int64_t threads = network_.device().is_cpu() ? at::get_num_threads() : 1;
  const int64_t share = std::max<int64_t>(1, (samples + threads - 1) / threads);
  const int64_t size = std::min(samples_per_chunk(network_), share);
  for (int64_t begin = 0; begin < samples; begin += size) {
    pieces_.push_back({begin, std::min(begin + size, samples), {}, {}, {}});
  }
  if (pieces_.empty()) return;
  const int64_t each = std::max<int64_t>(1, bytes_of(make_piece(pieces_[0].begin, pieces_[0].end)));
  const auto keep = std::min<int64_t>(static_cast<int64_t>(pieces_.size()), memory / each);
  for_each_chunk(network_.device(), keep, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end && !interrupt_requested(); ++k) {
      Piece& piece = pieces_[static_cast<std::size_t>(k)];
      piece = make_piece(piece.begin, piece.end);
    }
  });
  check_interrupt();
}

int64_t CurvatureSamples::kept() const {
  int64_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += bytes_of(piece);
  return bytes;
}

CurvatureSamples::Piece CurvatureSamples::make_piece(int64_t begin, int64_t end) const {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  Piece piece{begin, end, images_.slice(0, begin, end), labels_.slice(0, begin, end), {}};
  Pass pass = forward(network_, piece.images, Keep::inputs);
  const Tensor s = logit_gradient(pass.logits, piece.labels);
  piece.primal = primal(network_, std::move(pass), s);
  return piece;
}

void CurvatureSamples::for_each(const std::function<void(const Piece&)>& body) const {
  const auto count_of_pieces = static_cast<int64_t>(pieces_.size());
  for_each_chunk(network_.device(), count_of_pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end && !interrupt_requested(); ++k) {
      const Piece& piece = pieces_[static_cast<std::size_t>(k)];
      piece.images.defined() ? body(piece) : body(make_piece(piece.begin, piece.end));
    }
  });
  check_interrupt();
}

Tensor CurvatureSamples::mean(const std::function<Tensors(const Piece&)>& body) const {
  // One sum for each thread, each in the order of its pieces.
  std::vector<Tensors> sums(static_cast<std::size_t>(at::get_num_threads()));
  for_each([&](const Piece& piece) {
    Tensors& sum = sums[static_cast<std::size_t>(at::get_thread_num())];
    const Tensors part = body(piece);
    if (sum.empty()) {
      sum = part;
      return;
    }
    for (std::size_t k = 0; k < part.size(); ++k) sum[k].add_(part[k]);
  });
  Tensor total;
  for (const Tensors& sum : sums) {
    if (sum.empty()) continue;
    Tensors rows;
    for (const Tensor& each : sum) rows.push_back(each.flatten());
    total = total.defined() ? total.add_(at::cat(rows)) : at::cat(rows);
  }
  return total.div_(static_cast<double>(count()));
}

Tensors CurvatureSamples::split(const Tensor& v) const {
  Tensors parts;
  int64_t begin = 0;
  for (const Tensor& parameter : network_.parameters()) {
    parts.push_back(v.slice(0, begin, begin + parameter.numel()).view(parameter.sizes()));
    begin += parameter.numel();
  }
  return parts;
}

}  // namespace reluctance
