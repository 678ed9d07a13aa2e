// The content of a plain or gzipped file, read from front to back.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reluctance {

class ByteStream {
 public:
  // Loads the file as it lies on the disk. Throws Error as read_file does.
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
  std::string file_;
  std::string_view rest_;  // of file_, not yet read or given to zlib
  bool gzipped_;
  bool member_ended_ = false;
  z_stream zlib_{};
};

}  // namespace reluctance
