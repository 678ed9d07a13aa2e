#include "data/validation.hpp"

#include <ATen/ATen.h>

#include <array>
#include <charconv>
#include <limits>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

// Index of the first sample with a true element.
int64_t first_sample(const Tensor& mask) {
  return mask.flatten(1).any(1).nonzero()[0].item<int64_t>();
}

// The shortest text that gives `value` back: 1.0000001 is not shown as 1.
std::string to_text(float value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// Throws unless every pixel is finite and in [0, 1].
void require_pixels(const std::string& name, const Tensor& images) {
  const auto [low, high] = at::aminmax(images);  // NaN if any pixel is
  const auto least = low.item<float>();
  const auto most = high.item<float>();
  if (least >= 0 && most <= 1) return;
  const Tensor infinite = images.isfinite().logical_not_();
  if (infinite.any().item<bool>()) {
    throw Error(name + ": image " + std::to_string(first_sample(infinite)) +
                " has a pixel that is NaN or infinite; pixels are numbers in [0, 1]");
  }
  const int64_t sample = first_sample(images.lt(0).logical_or_(images.gt(1)));
  const bool bytes = least >= 0 && most > 2 && most <= 255;
  throw Error(name + ": pixels range from " + to_text(least) + " to " + to_text(most) +
              ", the first outside [0, 1] in image " + std::to_string(sample) +
              (bytes ? "; divide them by 255" : "; scale them so that 0 is black and 1 is white"));
}

Tensor to_images(const std::string& name, Tensor images) {
  if (images.dim() < 2 || images.dim() > 4 || images.numel() == 0) {
    throw Error(name + ": images have the shape " + to_string(images.sizes().vec()) +
                "; they are N x C x H x W, N x H x W or N x n with at least one pixel");
  }
  if (images.scalar_type() != at::kByte && !images.is_floating_point()) {
    throw Error(name + ": images have the type " + at::toString(images.scalar_type()) +
                "; they are uint8, or floating point in [0, 1]");
  }
  bounded_bytes(name, images.sizes().vec(), sizeof(float));
  if (images.dim() == 3) images = images.unsqueeze(1);
  if (images.scalar_type() == at::kByte) return images.to(at::kFloat).div_(255);
  images = images.to(at::kFloat);
  require_pixels(name, images);
  return images;
}

Tensor to_labels(const std::string& name, const Tensor& labels) {
  const bool column = labels.dim() == 2 && labels.size(1) == 1;
  if (labels.dim() != 1 && !column) {
    throw Error(name + ": labels have the shape " + to_string(labels.sizes().vec()) +
                "; they are N integers");
  }
  if (!at::isIntegralType(labels.scalar_type(), /*includeBool=*/false)) {
    throw Error(name + ": labels have the type " + at::toString(labels.scalar_type()) +
                "; they are integers from 0");
  }
  return labels.reshape({-1}).to(at::kLong);
}

[[noreturn]] void refuse_label(const std::string& name, const Tensor& labels, const Tensor& mask,
                               const std::string& rule) {
  const auto sample = mask.nonzero()[0].item<int64_t>();
  throw Error(name + ": label " + std::to_string(labels[sample].item<int64_t>()) + " of image " +
              std::to_string(sample) + " " + rule);
}

}  // namespace

Dataset make_dataset(const std::string& name, const Tensor& images, const Tensor& labels,
                     const std::vector<std::string>& class_names) {
  const Tensor valid_images = to_images(name, images);
  const Tensor valid_labels = to_labels(name, labels);
  if (valid_images.size(0) != valid_labels.size(0)) {
    throw Error(name + ": has " + std::to_string(valid_images.size(0)) + " images but " +
                std::to_string(valid_labels.size(0)) + " labels");
  }
  Dataset dataset{name, {valid_images, valid_labels}, 0, class_names};
  const Tensor negative = dataset.samples.labels.lt(0);
  if (negative.any().item<bool>()) {
    refuse_label(name, dataset.samples.labels, negative, "is negative; labels are integers from 0");
  }
  // Known classes bound the labels; otherwise only what no number of classes can reach is refused.
  const int64_t bound = class_names.empty() ? std::numeric_limits<std::int32_t>::max()
                                            : static_cast<int64_t>(class_names.size());
  const Tensor beyond = dataset.samples.labels.ge(bound);
  if (beyond.any().item<bool>()) {
    refuse_label(name, dataset.samples.labels, beyond, "is not below " + std::to_string(bound));
  }
  dataset.classes = class_names.empty() ? dataset.samples.labels.max().item<int64_t>() + 1 : bound;
  return dataset;
}

void require_labels_below(const Dataset& dataset, int64_t classes) {
  const Tensor beyond = dataset.samples.labels.ge(classes);
  if (beyond.any().item<bool>()) {
    refuse_label(dataset.name, dataset.samples.labels, beyond,
                 "is not below " + std::to_string(classes) +
                     ", the number of classes of the network; choose data and network that match");
  }
}

}  // namespace reluctance
