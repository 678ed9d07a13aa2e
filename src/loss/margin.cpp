#include "reluctance/loss/margin.hpp"

#include <ATen/ATen.h>

#include <limits>

namespace reluctance {

Tensor margins(const Tensor& logits, const Tensor& labels) {
  const Tensor label = labels.unsqueeze(1);
  const Tensor others = logits.scatter(1, label, -std::numeric_limits<double>::infinity());
  return logits.gather(1, label).squeeze(1) - others.amax(1);
}

}  // namespace reluctance
