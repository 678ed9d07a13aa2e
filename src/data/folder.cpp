#include "data/folder.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <system_error>

#include "data/decoding.hpp"
#include "data/picture.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/large_tensor.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

// What lies in the folder and is not hidden, in the order of the names' bytes.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    check_interrupt();
    if (entry->path().filename().string().front() != '.') entries.push_back(entry->path());
  }
  if (code) throw Error(folder.string() + ": cannot be listed: " + code.message());
  std::sort(entries.begin(), entries.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return entries;
}

struct Picture {
  fs::path path;
  int64_t label;
};

std::string size_of(const Tensor& picture) {
  return std::to_string(picture.size(2)) + " x " + std::to_string(picture.size(1)) + " pixels";
}

}  // namespace

PictureFolder read_folder(const fs::path& folder, const Progress& progress) {
  PictureFolder result;
  std::vector<std::vector<fs::path>> of_class;
  std::size_t most = 0;
  int64_t others = 0;
  std::error_code ignored;  // what cannot be asked is no folder
  for (const fs::path& entry : entries_of(folder)) {
    if (!fs::is_directory(entry, ignored)) {
      ++others;
      continue;
    }
    std::vector<fs::path> pictures = entries_of(entry);
    const auto all = static_cast<int64_t>(pictures.size());
    std::erase_if(pictures, [](const fs::path& path) { return !is_picture_name(path); });
    others += all - static_cast<int64_t>(pictures.size());
    if (pictures.empty()) throw Error(entry.string() + ": has no PNG or JPEG file");
    most = std::max(most, pictures.size());
    result.classes.push_back(entry.filename().string());
    of_class.push_back(std::move(pictures));
  }
  if (of_class.empty()) {
    throw Error(folder.string() +
                ": has no sub-folders; write folder:DIR for a folder with one for each class");
  }
  if (others > 0) {
    result.notes.push_back("left out " + std::to_string(others) +
                           (others == 1 ? " file that is" : " files that are") +
                           " no PNG or JPEG in a class's folder");
  }
  std::vector<Picture> pictures;
  for (std::size_t k = 0; k < most; ++k) {
    for (std::size_t label = 0; label < of_class.size(); ++label) {
      if (k < of_class[label].size()) {
        pictures.push_back({of_class[label][k], static_cast<int64_t>(label)});
      }
    }
  }

  const Tensor first = read_picture(pictures.front().path);
  const auto count = static_cast<int64_t>(pictures.size());
  const Shape shape{count, 3, first.size(1), first.size(2)};
  bounded_bytes(folder.string(), shape, 1);
  result.images = large_empty(shape, at::kByte);
  result.labels = at::empty({count}, at::kLong);
  const Tensor colourful = at::zeros({count}, at::kBool);
  ProgressCounter counter(progress, count);
  constexpr int64_t together = 16;
  for_each_chunk({at::kCPU, count, together, &counter}, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Picture& each = pictures[static_cast<std::size_t>(i)];
      const Tensor pixels = read_picture(each.path);
      if (pixels.size(1) != first.size(1) || pixels.size(2) != first.size(2)) {
        throw Error(each.path.string() + ": has " + size_of(pixels) + " where " +
                    pictures.front().path.string() + " has " + size_of(first) +
                    "; a network takes images of one size: scale them before");
      }
      result.images[i].copy_(pixels);  // grey in all three
      result.labels[i] = each.label;
      colourful[i] = pixels.size(0) == 3;
    }
  });
  if (!colourful.any().item<bool>()) {
    result.images = large_copy(result.images.narrow(1, 0, 1), at::kByte);
  }
  return result;
}

}  // namespace reluctance
