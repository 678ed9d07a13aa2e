#include "data/cifar.hpp"

#include <ATen/ATen.h>

#include <vector>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

constexpr int64_t pixels = 3 * 32 * 32;
constexpr int64_t record_bytes = 1 + pixels;

}  // namespace

std::pair<Tensor, Tensor> read_cifar10(const std::filesystem::path& folder,
                                       const std::string& split) {
  std::vector<std::string> names{"test_batch.bin"};
  if (split == "train") {
    names.clear();
    for (int i = 1; i <= 5; ++i) names.push_back("data_batch_" + std::to_string(i) + ".bin");
  }
  const auto limit = static_cast<std::uint64_t>(decoded_limit) / names.size();
  Tensors images;
  Tensors labels;
  for (const std::string& name : names) {
    const std::filesystem::path path = folder / name;
    std::string bytes = read_file(path, limit);
    const auto size = static_cast<int64_t>(bytes.size());
    if (size == 0 || size % record_bytes != 0) {
      throw Error(path.string() + ": has " + std::to_string(size) +
                  " bytes, which is not a number of CIFAR-10 records of " +
                  std::to_string(record_bytes) + " bytes");
    }
    const Tensor records =
        at::from_blob(bytes.data(), {size / record_bytes, record_bytes}, at::kByte);
    labels.push_back(records.select(1, 0).to(at::kLong));
    const Tensor planes = records.narrow(1, 1, pixels).clone(at::MemoryFormat::Contiguous);
    images.push_back(planes.view({-1, 3, 32, 32}));
  }
  return {at::cat(images), at::cat(labels)};
}

}  // namespace reluctance
