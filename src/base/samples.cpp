#include "reluctance/base/samples.hpp"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "reluctance/base/error.hpp"

namespace reluctance {

Samples::Samples(Tensor all_images, Tensor all_labels)
    : Samples(std::move(all_images), all_labels,
              at::arange(all_labels.numel(), all_labels.options().dtype(at::kLong))) {}

Samples::Samples(Tensor all_images, Tensor all_labels, Tensor all_index)
    : images(std::move(all_images)), labels(std::move(all_labels)), index(std::move(all_index)) {
  const bool lists = labels.dim() == 1 && index.sizes() == labels.sizes();
  if (lists && images.dim() > 0 && images.size(0) == labels.size(0)) return;
  throw Error("images of " + to_string(images.sizes().vec()) + " and labels of " +
              to_string(labels.sizes().vec()) + " do not belong together: one label an image");
}

Samples Samples::slice(int64_t begin, int64_t end) const {
  return {images.slice(0, begin, end), labels.slice(0, begin, end), index.slice(0, begin, end)};
}

Samples Samples::rows(const Tensor& places) const {
  return {images.index_select(0, places), labels.index_select(0, places),
          index.index_select(0, places)};
}

}  // namespace reluctance
