#include "data/validation.hpp"

#include <ATen/ATen.h>

#include <array>
#include <charconv>
#include <utility>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/large_tensor.hpp"

namespace reluctance {
namespace {

// Index of the first image with a pixel that the predicate marks; -1 if there is none.
template <typename Predicate>
int64_t first_image(const Tensor& images, const Predicate& marks) {
  int64_t first = -1;
  for_each_piece(images, [&](int64_t begin, const Tensor& piece) {
    const Tensor marked = marks(piece).flatten(1).any(1).nonzero();
    if (marked.size(0) > 0) first = begin + marked[0].item<int64_t>();
    return first < 0;
  });
  return first;
}

// The shortest text that gives `value` back: 1.0000001 is not shown as 1.
std::string to_text(float value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// What rounding leaves of 0 and 1.
constexpr double rounding = 1e-5;

void require_finite(const std::string& name, const Tensor& images) {
  const int64_t sample =
      first_image(images, [](const Tensor& piece) { return piece.isfinite().logical_not_(); });
  if (sample >= 0) {
    throw Error(name + ": image " + std::to_string(sample) +
                " has a pixel that is NaN or infinite; pixels are numbers in [0, 1]");
  }
}

// Cuts rounding off. Throws unless every pixel is finite and in [0, 1] then.
void limit_pixels(const std::string& name, Tensor& images, std::vector<std::string>& notes) {
  const auto [low, high] = at::aminmax(images);  // NaN if any pixel is
  const auto least = low.item<float>();
  const auto most = high.item<float>();
  if (least >= 0 && most <= 1) return;
  if (least >= -rounding && most <= 1 + rounding) {
    notes.push_back("cut off pixels from " + to_text(least) + " to " + to_text(most) +
                    " at 0 and 1");
    images = large_copy(images, images.scalar_type(), [](Tensor& piece) { piece.clamp_(0, 1); });
    return;
  }
  require_finite(name, images);
  const int64_t sample = first_image(images, [](const Tensor& piece) {
    return piece.lt(-rounding).logical_or_(piece.gt(1 + rounding));
  });
  const bool bytes = least >= 0 && most > 2 && most <= 255;
  throw Error(
      name + ": pixels range from " + to_text(least) + " to " + to_text(most) +
      ", the first outside [0, 1] in image " + std::to_string(sample) +
      (bytes ? "; say that white is 255 with --scale 255"
             : "; 0 is black and 1 is white: where the network wants them normalised, give "
               "them as they were before, and --mean and --std; where they are no pixels, say "
               "with --box what they lie between"));
}

Tensor scaled(const Tensor& images, double white, at::ScalarType dtype) {
  if (white == 1) return images.scalar_type() == dtype ? images : large_copy(images, dtype);
  if (images.scalar_type() == at::kByte) {
    return large_copy(images, dtype, [white](Tensor& piece) { piece.div_(white); });
  }
  Tensor result = large_empty(images.sizes().vec(), dtype);
  for_each_piece(
      images, [&](int64_t begin, const Tensor& piece) {  // float32 cannot hold all integers
        result.slice(0, begin, begin + piece.size(0)).copy_(piece.to(at::kDouble).div(white));
        return true;
      });
  return result;
}

Tensor to_images(const std::string& name, const Arrays& arrays, std::vector<std::string>& notes) {
  Tensor images = arrays.images;
  if (images.dim() < 2 || images.dim() > 4 || images.numel() == 0) {
    throw Error(name + ": images have the shape " + to_string(images.sizes().vec()) +
                "; they are N x C x H x W, N x H x W or N x n with at least one pixel");
  }
  const bool bytes = images.scalar_type() == at::kByte;
  if (arrays.how.scale == 0 && arrays.how.pixels && !bytes && !images.is_floating_point()) {
    throw Error(name + ": images have the type " + at::toString(images.scalar_type()) +
                "; they are uint8, or floating point in [0, 1], or say with --scale 255 that white "
                "is 255");
  }
  bounded_bytes(name, images.sizes().vec(), sizeof(float));
  if (images.dim() == 3) images = images.unsqueeze(1);
  const double white = !arrays.how.pixels      ? 1
                       : arrays.how.scale != 0 ? arrays.how.scale
                       : bytes                 ? 255
                                               : 1;
  images = scaled(images, white, arrays.dtype);
  if (!arrays.how.pixels) {
    require_finite(name, images);
    return images;
  }
  limit_pixels(name, images, notes);
  return images;
}

// Rows of zeros with a single one in each.
bool are_one_hot(const Tensor& labels) {
  return labels.dim() == 2 && labels.size(1) > 1 &&
         labels.ne(0).logical_and(labels.ne(1)).any().item<bool>() == false &&
         labels.to(at::kLong).sum(1).eq(1).all().item<bool>();
}

Tensor to_labels(const std::string& name, Tensor labels, int64_t count,
                 std::vector<std::string>& notes) {
  const bool one_row = labels.dim() == 2 && labels.size(0) == 1 && labels.size(1) == count;
  const bool column = labels.dim() == 2 && labels.size(1) == 1;
  if (labels.dim() == 2 && labels.size(0) == count && are_one_hot(labels)) {
    notes.emplace_back("took one-hot labels by the place of their one");
    labels = labels.to(at::kFloat).argmax(1);
  }
  if (labels.dim() != 1 && !column && !one_row) {
    throw Error(name + ": labels have the shape " + to_string(labels.sizes().vec()) +
                "; they are N whole numbers, or one-hot rows of 0 and 1 (numpy: "
                "labels.argmax(1))");
  }
  labels = labels.reshape({-1});
  if (labels.is_floating_point()) {
    labels = labels.to(at::kDouble);
    const Tensor broken = labels.ne(labels.round()).logical_or(labels.abs().gt(1e15));
    if (broken.any().item<bool>()) {
      const auto sample = broken.nonzero()[0].item<int64_t>();
      throw Error(name + ": label " + to_text(labels[sample].item<float>()) + " of image " +
                  std::to_string(sample) + " is no whole number; labels are classes, from 0");
    }
  }
  return labels.to(at::kLong);
}

[[noreturn]] void refuse_label(const std::string& name, const Tensor& labels, const Tensor& mask,
                               const std::string& rule) {
  const auto sample = mask.nonzero()[0].item<int64_t>();
  throw Error(name + ": label " + std::to_string(labels[sample].item<int64_t>()) + " of image " +
              std::to_string(sample) + " " + rule);
}

}  // namespace

Dataset make_dataset(const std::string& name, const Arrays& arrays,
                     const std::vector<std::string>& class_names) {
  std::vector<std::string> notes;
  const Tensor images = to_images(name, arrays, notes);
  const Tensor labels = to_labels(name, arrays.labels, images.size(0), notes);
  if (images.size(0) != labels.size(0)) {
    throw Error(name + ": has " + std::to_string(images.size(0)) + " images but " +
                std::to_string(labels.size(0)) + " labels");
  }
  const Tensor negative = labels.lt(0);
  if (negative.any().item<bool>()) {
    refuse_label(name, labels, negative, "is negative; labels are integers from 0");
  }
  // Known classes bound the labels; otherwise only what no network has is refused.
  constexpr int64_t most_classes = 1000000;
  const int64_t bound =
      class_names.empty() ? most_classes : static_cast<int64_t>(class_names.size());
  const Tensor beyond = labels.ge(bound);
  if (beyond.any().item<bool>()) {
    refuse_label(name, labels, beyond, "is not below " + std::to_string(bound));
  }
  const int64_t classes = class_names.empty() ? labels.max().item<int64_t>() + 1 : bound;
  return {name, {images, labels}, classes, class_names, std::move(notes)};
}

void require_labels_below(const Dataset& dataset, int64_t classes) {
  const Tensor beyond = dataset.samples.labels.ge(classes);
  if (beyond.any().item<bool>()) {
    const Tensor& labels = dataset.samples.labels;
    const bool from_one =
        labels.min().item<int64_t>() == 1 && labels.max().item<int64_t>() == classes;
    refuse_label(dataset.name, labels, beyond,
                 "is not below " + std::to_string(classes) +
                     ", the number of classes of the network; " +
                     (from_one ? "labels here run from 1: subtract 1 (numpy: labels - 1)"
                               : "choose data and network that match"));
  }
}

}  // namespace reluctance
