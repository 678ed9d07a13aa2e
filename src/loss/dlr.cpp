#include "reluctance/loss/dlr.hpp"

#include <ATen/ATen.h>

#include <limits>
#include <string>
#include <tuple>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

// Where logits are all alike the ratio is 0 / 0; it is taken as 0, without a gradient that
// explodes.
constexpr double smallest = 1e-12;

void require_classes(const Tensor& logits, int64_t least, const std::string& loss) {
  if (logits.size(1) >= least) return;
  throw Error(loss + " needs at least " + std::to_string(least) + " classes; this network has " +
              std::to_string(logits.size(1)));
}

Tensor one_hot(const Tensor& classes, const Tensor& like) {
  return at::zeros_like(like).scatter_(1, classes.unsqueeze(1), 1);
}

// -a / b and its gradient, for differences a = u . z and b = v . z of logits.
LossAt negative_ratio(const Tensor& logits, const Tensor& u, const Tensor& v) {
  const Tensor a = (u * logits).sum(1);
  const Tensor b = (v * logits).sum(1) + smallest;
  const Tensor value = -a / b;
  // d(-a / b) = -(u - (a / b) v) / b
  return {value, (u + value.unsqueeze(1) * v).neg_().div_(b.unsqueeze(1))};
}

}  // namespace

LossAt dlr(const Tensor& logits, const Tensor& labels) {
  require_classes(logits, 3, "the DLR loss");
  const Tensor label = one_hot(labels, logits);
  const Tensor others =
      logits.masked_fill(label.to(at::kBool), -std::numeric_limits<double>::infinity());
  const Tensor order = std::get<1>(logits.topk(3, 1));
  const auto ranked = [&](int64_t rank) { return one_hot(order.select(1, rank), logits); };
  return negative_ratio(logits, label - one_hot(others.argmax(1), logits), ranked(0) - ranked(2));
}

LossAt targeted_dlr(const Tensor& logits, const Tensor& labels, const Tensor& targets) {
  require_classes(logits, 4, "the targeted DLR loss");
  const Tensor order = std::get<1>(logits.topk(4, 1));
  const auto ranked = [&](int64_t rank) { return one_hot(order.select(1, rank), logits); };
  return negative_ratio(logits, one_hot(labels, logits) - one_hot(targets, logits),
                        ranked(0) - 0.5 * (ranked(2) + ranked(3)));
}

}  // namespace reluctance
