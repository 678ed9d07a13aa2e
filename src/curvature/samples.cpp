#include "reluctance/curvature/samples.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <set>

#include "reluctance/base/error.hpp"
#include "reluctance/base/piece_size.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/shares.hpp"

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

CurvatureSamples::CurvatureSamples(Network network, Samples samples, Loss loss, int64_t memory)
    : network_(std::move(network)), samples_(std::move(samples)), loss_(std::move(loss)) {
  require_known_to_theory(loss_);
  if (count() == 0) throw Error("a curvature is the mean over samples, and there are none");
  const int64_t threads = network_.device().is_cpu() ? at::get_num_threads() : 1;
  const int64_t workers = divides() ? threads * launch().count : threads;
  const int64_t size = piece_size(count(), chunks_of(network_, count()).size, workers, 1);
  for (int64_t begin = 0; begin < count(); begin += size) {
    pieces_.push_back({begin, std::min(begin + size, count()), {}, {}});
  }
  const int64_t each = std::max<int64_t>(1, bytes_of(make_piece(pieces_[0].begin, pieces_[0].end)));
  Chunks keep = chunks();
  keep.count = std::min(keep.count, memory / each * (workers / threads));
  for_each_share(keep, [&](int64_t place, int64_t) {
    Piece& kept = pieces_[static_cast<std::size_t>(place)];
    kept = make_piece(kept.begin, kept.end);
  });
}

int64_t CurvatureSamples::kept() const {
  int64_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += bytes_of(piece);
  return bytes;
}

CurvatureSamples::Piece CurvatureSamples::make_piece(int64_t begin, int64_t end) const {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  Piece piece{begin, end, samples_.slice(begin, end), {}};
  Pass pass = forward(network_, piece.samples.images, Keep::inputs);
  const Tensor s = loss_.gradient(pass.logits, piece.samples.labels);
  piece.primal = primal(network_, std::move(pass), s);
  return piece;
}

// One piece at a time.
Chunks CurvatureSamples::chunks() const {
  return {network_.device(), static_cast<int64_t>(pieces_.size()), 1};
}

// The piece as it is kept, or made anew.
const CurvatureSamples::Piece& CurvatureSamples::piece(int64_t place, Piece& made) const {
  const Piece& kept = pieces_[static_cast<std::size_t>(place)];
  if (kept.samples.images.defined()) return kept;
  return made = make_piece(kept.begin, kept.end);
}

void CurvatureSamples::for_each(const std::function<void(const Piece&)>& body) const {
  for_each_share(chunks(), [&](int64_t place, int64_t) {
    Piece made;
    body(piece(place, made));
  });
}

Tensors CurvatureSamples::map(const std::function<Tensors(const Piece&)>& body) const {
  return map_shares(chunks(), [&](int64_t place, int64_t) {
    Piece made;
    return body(piece(place, made));
  });
}

Tensor CurvatureSamples::mean(const std::function<Tensors(const Piece&)>& body) const {
  Tensors rows = sum_shares(chunks(), [&](int64_t place, int64_t) {
    Piece made;
    return body(piece(place, made));
  });
  for (Tensor& each : rows) each = each.flatten();
  return at::cat(rows).div_(static_cast<double>(count()));
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
