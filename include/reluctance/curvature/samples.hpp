// The samples over which a curvature is the mean, with the passes that all its products share. Of
// several processes each has some pieces of them (base/shares.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {

inline constexpr int64_t default_curvature_memory = int64_t{2} << 30;

class CurvatureSamples {
 public:
  // A piece of the samples, as many as fit a core's cache.
  struct Piece {
    int64_t begin, end;
    Samples samples;
    Primal primal;  // of the loss: u is its gradient with respect to the logits
  };

  // samples: inputs of the network. What the products share is kept for as many pieces as fit into
  // `memory` bytes, and computed anew for the others at each product. Throws Error for a loss whose
  // curvature is not known.
  CurvatureSamples(Network network, Samples samples, Loss loss,
                   int64_t memory = default_curvature_memory);

  const Network& network() const { return network_; }
  const Samples& samples() const { return samples_; }
  const Loss& loss() const { return loss_; }
  int64_t count() const { return samples_.count(); }
  int64_t kept() const;  // bytes

  // Calls body for the pieces of this process, on all threads.
  void for_each(const std::function<void(const Piece&)>& body) const;

  // (1/N) sum of what body gives for each piece, in Network::parameters order, as one vector.
  Tensor mean(const std::function<Tensors(const Piece&)>& body) const;

  // What body gives for each piece, joined over the samples.
  Tensors map(const std::function<Tensors(const Piece&)>& body) const;

  // A vector of all parameters as tensors of their shapes.
  Tensors split(const Tensor& v) const;

 private:
  Piece make_piece(int64_t begin, int64_t end) const;
  Chunks chunks() const;
  const Piece& piece(int64_t place, Piece& made) const;

  Network network_;
  Samples samples_;
  Loss loss_;
  std::vector<Piece> pieces_;  // those beyond the memory have no primal
};

using CurvatureSamplesPtr = std::shared_ptr<const CurvatureSamples>;

}  // namespace reluctance
