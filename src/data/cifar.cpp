#include "data/cifar.hpp"

#include <ATen/ATen.h>

#include <system_error>
#include <vector>

#include "data/decoding.hpp"
#include "data/pickle.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

constexpr int64_t pixels = 3 * 32 * 32;
constexpr int64_t record_bytes = 1 + pixels;

// Records of a label and three planes.
std::pair<Tensor, Tensor> read_binary_batch(const std::filesystem::path& path,
                                            std::uint64_t limit) {
  std::string bytes = read_file(path, limit);
  const auto size = static_cast<int64_t>(bytes.size());
  if (size == 0 || size % record_bytes != 0) {
    throw Error(path.string() + ": has " + std::to_string(size) +
                " bytes, which is not a number of CIFAR-10 records of " +
                std::to_string(record_bytes) + " bytes");
  }
  const Tensor records =
      at::from_blob(bytes.data(), {size / record_bytes, record_bytes}, at::kByte);
  return {records.narrow(1, 1, pixels).clone(at::MemoryFormat::Contiguous),
          records.select(1, 0).to(at::kLong)};
}

}  // namespace

std::pair<Tensor, Tensor> read_cifar10(const std::filesystem::path& folder,
                                       const std::string& split) {
  std::vector<std::string> names{"test_batch"};
  if (split == "train") {
    names.clear();
    for (int i = 1; i <= 5; ++i) names.push_back("data_batch_" + std::to_string(i));
  }
  const auto limit = static_cast<std::uint64_t>(decoded_limit) / names.size();
  Tensors images;
  Tensors labels;
  for (const std::string& name : names) {
    const std::filesystem::path binary = folder / (name + ".bin"), pickled = folder / name;
    std::error_code ignored;  // what cannot be asked is reported when it is read
    const bool is_pickled =
        !std::filesystem::exists(binary, ignored) && std::filesystem::exists(pickled, ignored);
    const auto [rows, classes] =
        is_pickled ? read_pickled_batch(pickled) : read_binary_batch(binary, limit);
    if (rows.size(1) != pixels) {
      throw Error(pickled.string() + ": has images of " + std::to_string(rows.size(1)) +
                  " bytes; those of CIFAR-10 have " + std::to_string(pixels));
    }
    images.push_back(rows.view({-1, 3, 32, 32}));
    labels.push_back(classes);
  }
  return {at::cat(images), at::cat(labels)};
}

}  // namespace reluctance
