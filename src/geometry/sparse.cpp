#include "reluctance/geometry/sparse.hpp"

#include <ATen/ATen.h>

#include <tuple>

namespace reluctance {

Tensor sparse_signs(const Tensor& gradient, const Tensor& kept) {
  if (gradient.numel() == 0) return gradient;
  const Tensor sizes = gradient.abs();
  const Tensor largest = std::get<0>(sizes.topk(kept.max().item<int64_t>(), 1));
  // By size, not by place: entries that are alike would be chosen by their neighbours in the batch.
  const Tensor least = largest.gather(1, (kept - 1).unsqueeze(1));
  const Tensor signs = gradient.sign().mul_(sizes.ge(least));
  return signs / signs.abs().sum(1, /*keepdim=*/true).clamp_min(1);
}

Tensor spend(const Tensor& budget, const Tensor& worth, const Tensor& room, const Tensor& price) {
  constexpr double vanished = 1e-30;
  const Tensor order = worth.argsort(/*stable=*/true, 1, /*descending=*/true);
  const Tensor rooms = room.gather(1, order);
  const Tensor prices = price.gather(1, order);
  const Tensor spent = at::constant_pad_nd((rooms * prices).cumsum(1).slice(1, 0, -1), {1, 0});
  const Tensor left = (budget.unsqueeze(1) - spent).clamp_min_(0);
  return at::zeros_like(room).scatter_(1, order,
                                       at::minimum(left / prices.clamp_min(vanished), rooms));
}

}  // namespace reluctance
