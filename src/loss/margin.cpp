#include "reluctance/loss/margin.hpp"

#include <ATen/ATen.h>

#include <limits>

namespace reluctance {

Tensor margins(const Tensor& logits, const Tensor& labels) {
  return logits.gather(1, labels.unsqueeze(1)).squeeze(1) - other_logits(logits, labels).amax(1);
}

Tensor margins(const Tensor& logits, const Samples& samples) {
  if (!samples.target.defined()) return margins(logits, samples.labels);
  return -margins(logits, samples.target);
}

Tensor answers_as_wanted(const Tensor& logits, const Samples& samples) {
  const Tensor answers = logits.argmax(1);
  return samples.target.defined() ? answers.eq(samples.target) : answers.ne(samples.labels);
}

Tensor succeeded(const Tensor& logits, const Samples& samples) {
  return answers_as_wanted(logits, samples).logical_and_(logits.isfinite().all(1));
}

Tensor other_logits(const Tensor& logits, const Tensor& labels) {
  return logits.scatter(1, labels.unsqueeze(1), -std::numeric_limits<double>::infinity());
}

Tensor margin_direction(const Tensor& logits, const Tensor& labels, const Tensor& targets) {
  return at::zeros_like(logits)
      .scatter_(1, targets.unsqueeze(1), 1)
      .scatter_(1, labels.unsqueeze(1), -1);
}

}  // namespace reluctance
