#include "reluctance/base/samples.hpp"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "reluctance/base/error.hpp"

namespace reluctance {

Samples::Samples(Tensor all_images, Tensor all_labels)
    : Samples(std::move(all_images), all_labels,
              at::arange(all_labels.numel(), all_labels.options().dtype(at::kLong))) {}

Samples::Samples(Tensor all_images, Tensor all_labels, Tensor all_index, Tensor all_targets)
    : images(std::move(all_images)),
      labels(std::move(all_labels)),
      index(std::move(all_index)),
      target(std::move(all_targets)) {
  const bool lists = labels.dim() == 1 && index.sizes() == labels.sizes();
  if (lists && images.dim() > 0 && images.size(0) == labels.size(0)) return;
  throw Error("images of " + to_string(images.sizes().vec()) + " and labels of " +
              to_string(labels.sizes().vec()) + " do not belong together: one label an image");
}

Samples Samples::slice(int64_t begin, int64_t end) const {
  return {images.slice(0, begin, end), labels.slice(0, begin, end), index.slice(0, begin, end),
          target.defined() ? target.slice(0, begin, end) : target};
}

Samples Samples::rows(const Tensor& places) const {
  return {images.index_select(0, places), labels.index_select(0, places),
          index.index_select(0, places),
          target.defined() ? target.index_select(0, places) : target};
}

Samples Samples::towards(int64_t answer) const {
  return {images, labels, index, at::full_like(labels, answer)};
}

Samples Samples::to(const at::Device& device) const {
  return {images.to(device), labels.to(device), index.to(device),
          target.defined() ? target.to(device) : target};
}

}  // namespace reluctance
