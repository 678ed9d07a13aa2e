#include "reluctance/data/npz.hpp"

#include <ATen/ATen.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "data/decoding.hpp"
#include "data/npy.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

struct Close {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

constexpr std::string_view entry_suffix = ".npy";

std::string message_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return message;
}

Archive open_archive(const std::string& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!archive) {
    throw Error(path +
                ": cannot be read as an NPZ file, which is a zip archive: " + message_of(code));
  }
  return archive;
}

// One entry of an archive, read from front to back.
class Entry final : public NpySource {
 public:
  Entry(zip_t* archive, const zip_stat_t& stat, std::string where)
      : where_(std::move(where)), left_(stat.size) {
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      throw Error(where_ + ": is compressed by method " + std::to_string(stat.comp_method) +
                  "; NPZ files are stored or deflated");
    }
    if (stat.size / deflate_ratio > stat.comp_size) {
      throw Error(where_ + ": declares " + std::to_string(stat.size) + " bytes, more than its " +
                  std::to_string(stat.comp_size) + " compressed bytes can hold");
    }
    file_.reset(zip_fopen_index(archive, stat.index, 0));
    if (!file_) throw Error(where_ + ": cannot be opened: " + zip_strerror(archive));
  }

  // By what the archive declares.
  std::uint64_t left() const override { return left_; }

  void read(void* out, std::uint64_t count) override {
    if (count > left_) throw Error(where_ + ": ends early");
    left_ -= count;
    auto* position = static_cast<char*>(out);
    while (count > 0) {
      const zip_int64_t got = zip_fread(file_.get(), position, count);
      if (got < 0) throw Error(where_ + ": is corrupt: " + zip_file_strerror(file_.get()));
      if (got == 0) throw Error(where_ + ": ends early");
      position += got;
      count -= static_cast<std::uint64_t>(got);
    }
  }

  // libzip compares CRC and size when it is asked for a byte beyond the end.
  void verify_end() override {
    char beyond = 0;
    const zip_int64_t got = zip_fread(file_.get(), &beyond, 1);
    if (got < 0) throw Error(where_ + ": is corrupt: " + zip_file_strerror(file_.get()));
    if (got > 0) throw Error(where_ + ": holds more bytes than it declares");
  }

 private:
  std::string where_;
  std::uint64_t left_;
  std::unique_ptr<zip_file_t, Close> file_;
};

// Adds one array; `header` and `tensor` must stay alive until the archive is closed.
bool add_entry(zip_t* archive, const std::string& name, const std::string& header,
               const Tensor& tensor) {
  std::array<zip_buffer_fragment_t, 2> parts{};
  parts[0] = {reinterpret_cast<zip_uint8_t*>(const_cast<char*>(header.data())), header.size()};
  parts[1] = {static_cast<zip_uint8_t*>(tensor.data_ptr()), tensor.nbytes()};
  zip_source_t* source =
      zip_source_buffer_fragment_create(parts.data(), parts.size(), 0, zip_get_error(archive));
  if (!source) return false;
  const std::string entry_name = name + std::string(entry_suffix);
  const zip_int64_t added = zip_file_add(archive, entry_name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    return false;
  }
  const auto index = static_cast<zip_uint64_t>(added);
  constexpr zip_uint16_t first_of_1980 = 1 << 5 | 1;  // equal content is to give equal bytes
  return zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0 &&
         zip_file_set_dostime(archive, index, 0, first_of_1980, 0) == 0;
}

}  // namespace

std::map<std::string, Tensor> read_npz(const fs::path& path, const ChooseArrays& choose,
                                       const Progress& progress) {
  const std::string where = path.string();
  const std::uint64_t bytes = FileReader(path, decoded_limit).size();
  const Archive archive = open_archive(where);

  std::map<std::string, zip_stat_t> entries;
  std::uint64_t left = bytes;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &stat) != 0) {
      throw Error(where + ": entry " + std::to_string(i) + ": " + zip_strerror(archive.get()));
    }
    // One piece of the file, read as part of many entries, could fill the memory.
    if (stat.comp_size > left) throw Error(where + ": its entries overlap; the archive is damaged");
    left -= stat.comp_size;
    std::string name = stat.name;
    if (!name.ends_with(entry_suffix)) continue;
    name.resize(name.size() - entry_suffix.size());
    entries.emplace(name, stat);
  }
  if (entries.empty()) throw Error(where + ": has no arrays; write it with numpy.savez");

  std::vector<std::string> present;
  for (const auto& [name, stat] : entries) present.push_back(name);
  std::map<std::string, Tensor> arrays;
  int64_t budget = decoded_limit;
  for (const std::string& name : choose(present)) {
    const auto found = entries.find(name);
    if (found == entries.end()) {
      throw Error(where + ": has no array '" + name + "'; it has " + listed(present, "and"));
    }
    const std::string array = where + ": array '" + name + "'";
    Entry entry(archive.get(), found->second, array);
    arrays[name] = read_npy(array, entry, budget, progress);
  }
  return arrays;
}

std::map<std::string, Tensor> read_npz(const fs::path& path,
                                       const std::vector<std::string>& names) {
  return read_npz(path, [&](const std::vector<std::string>& present) {
    return names.empty() ? present : names;
  });
}

void write_npz(const fs::path& path, const NamedTensors& arrays) {
  if (!is_first_process()) return;
  const std::string where = path.string();
  // libzip reads from these when the archive is closed.
  std::vector<std::string> headers;
  Tensors tensors;
  for (const auto& [name, tensor] : arrays) {
    tensors.push_back(tensor.contiguous());
    headers.push_back(format_npy_header(where + ": array '" + name + "'", tensors.back()));
  }

  if (path.has_parent_path()) {
    std::error_code ignored;  // what stands in the way is reported when the file is written
    fs::create_directories(path.parent_path(), ignored);
  }
  const fs::path temporary = temporary_beside(path);
  int code = 0;
  Archive archive(zip_open(temporary.c_str(), ZIP_CREATE | ZIP_EXCL, &code));
  if (!archive) {
    throw Error(where + ": cannot be created: " + message_of(code), Error::Kind::job);
  }
  bool written = true;
  for (std::size_t i = 0; written && i < arrays.size(); ++i) {
    written = add_entry(archive.get(), arrays[i].first, headers[i], tensors[i]);
  }
  // On failure libzip removes what it wrote, and the archive stays open to be asked why.
  if (!written || zip_close(archive.get()) != 0) {
    throw Error(where + ": cannot be written: " + zip_strerror(archive.get()), Error::Kind::job);
  }
  static_cast<void>(archive.release());  // closing has freed it
  replace_file(temporary, path);
}

}  // namespace reluctance
