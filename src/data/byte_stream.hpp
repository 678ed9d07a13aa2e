// The content of a plain or gzipped file, read from front to back.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reluctance/base/files.hpp"

namespace reluctance {

class ByteStream {
 public:
  // Throws Error as FileReader does.
  explicit ByteStream(const std::filesystem::path& path);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Copies the next `count` bytes to `out` and returns their number, smaller only at the end.
  // Throws Error if gzip data is corrupt or ends early; asking for a byte beyond the end verifies
  // the CRC.
  std::size_t read(void* out, std::size_t count);

  // No content can be longer than this: for plain files its size, for gzipped ones a bound.
  int64_t most_bytes() const;

 private:
  std::size_t inflate(char* out, std::size_t count);

  std::string path_;
  FileReader file_;
  bool gzipped_ = false;
  bool member_ended_ = false;
  std::vector<Bytef> compressed_;  // read, and not yet decoded
  z_stream zlib_{};
};

}  // namespace reluctance
