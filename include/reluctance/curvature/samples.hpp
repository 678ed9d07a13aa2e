// The samples over which a curvature is the mean, with the passes that all its products share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "reluctance/network/second_order.hpp"

namespace reluctance {

class CurvatureSamples {
 public:
  // A piece of the samples, as many as fit a core's cache.
  struct Piece {
    int64_t begin, end;
    Tensor images, labels;
    Primal primal;  // of the loss: u is its gradient with respect to the logits
  };

  // images: N x input shape, labels: N. What the products share is kept for as many pieces as fit
  // into `memory` bytes, and computed anew for the others at each product.
  CurvatureSamples(Network network, Tensor images, Tensor labels, int64_t memory);

  const Network& network() const { return network_; }
  const Tensor& labels() const { return labels_; }
  int64_t count() const { return images_.size(0); }
  int64_t kept() const;  // bytes

  // Calls body for all pieces, on all threads.
  void for_each(const std::function<void(const Piece&)>& body) const;

  // (1/N) sum of what body gives for each piece, in Network::parameters order, as one vector.
  Tensor mean(const std::function<Tensors(const Piece&)>& body) const;

  // A vector of all parameters as tensors of their shapes.
  Tensors split(const Tensor& v) const;

 private:
  Piece make_piece(int64_t begin, int64_t end) const;

  Network network_;
  Tensor images_, labels_;
  std::vector<Piece> pieces_;  // those beyond the memory have no primal
};

using CurvatureSamplesPtr = std::shared_ptr<const CurvatureSamples>;

inline constexpr int64_t default_curvature_memory = int64_t{2} << 30;

}  // namespace reluctance
