// Files of every format, made byte by byte, and what reading them throws.
#pragma once

#include <zip.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/error_of.hpp"

namespace reluctance {

inline std::string with_bit_flipped(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  return bytes;
}

inline std::string gzip(const std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string idx_bytes(int type, const std::vector<std::uint32_t>& shape,
                             const std::string& data) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(shape.size())};
  for (std::uint32_t extent : shape) {
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(extent >> shift);
  }
  return bytes + data;
}

inline std::string npy_bytes(const std::string& dict, const std::string& data, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {static_cast<char>(version), '\0'};
  const std::string text = dict + "\n";
  for (int shift = 0; shift < (version == 1 ? 16 : 32); shift += 8) {
    bytes += static_cast<char>(text.size() >> shift);
  }
  return bytes + text + data;
}

// The same with the dict that NumPy writes.
inline std::string npy_array(const std::string& descr, const std::string& shape,
                             const std::string& data) {
  return npy_bytes("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }",
                   data);
}

using ZipEntries = std::vector<std::pair<std::string, std::string>>;

// Writes a zip archive; `method` is ZIP_CM_*, and a `password` encrypts.
inline void write_zip(const std::filesystem::path& path, const ZipEntries& entries,
                      int method = ZIP_CM_STORE, const char* password = nullptr) {
  const auto require = [](bool done) {
    if (!done) throw std::runtime_error("libzip cannot make the archive");
  };
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  require(archive != nullptr);
  for (const auto& [name, bytes] : entries) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t added = zip_file_add(archive, name.c_str(), source, 0);
    require(added >= 0);
    const auto index = static_cast<zip_uint64_t>(added);
    require(zip_set_file_compression(archive, index, method, 0) == 0);
    if (password) {
      require(zip_file_set_encryption(archive, index, ZIP_EM_AES_128, password) == 0);
    }
  }
  require(zip_close(archive) == 0);
}

}  // namespace reluctance
