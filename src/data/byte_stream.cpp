#include "data/byte_stream.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

// zlib counts in 32 bits, so it is asked for at most this many bytes at once.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

constexpr std::size_t compressed_piece = std::size_t{1} << 16;

constexpr int gzip_window_bits = 15 + 16;  // the largest window, with gzip's header and CRC

}  // namespace

ByteStream::ByteStream(const std::filesystem::path& path)
    : path_(path.string()), file_(path, decoded_limit) {
  std::array<char, 2> start{};
  gzipped_ = file_.peek(start.data(), 2) == 2 && start[0] == '\x1f' && start[1] == '\x8b';
  if (!gzipped_) return;
  compressed_.resize(compressed_piece);
  if (inflateInit2(&zlib_, gzip_window_bits) != Z_OK) throw std::bad_alloc();
}

ByteStream::~ByteStream() {
  if (gzipped_) inflateEnd(&zlib_);
}

int64_t ByteStream::most_bytes() const {
  const auto size = static_cast<int64_t>(file_.size());
  return gzipped_ ? size * deflate_ratio : size;
}

std::size_t ByteStream::read(void* out, std::size_t count) {
  return gzipped_ ? inflate(static_cast<char*>(out), count) : file_.read(out, count);
}

std::size_t ByteStream::inflate(char* out, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    if (zlib_.avail_in == 0) {
      zlib_.next_in = compressed_.data();
      zlib_.avail_in = static_cast<uInt>(file_.read(compressed_.data(), compressed_.size()));
    }
    if (member_ended_) {
      if (zlib_.avail_in == 0) break;
      // gzip files may be concatenated; anything else after the end fails as a bad header.
      inflateReset(&zlib_);
      member_ended_ = false;
    }
    if (zlib_.avail_in == 0)
      throw Error(path_ + ": the gzip data ends early; the file is truncated");
    const std::size_t room = std::min(count - done, most_at_once);
    zlib_.next_out = reinterpret_cast<Bytef*>(out + done);
    zlib_.avail_out = static_cast<uInt>(room);
    const int code = ::inflate(&zlib_, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) {
      throw Error(path_ +
                  ": the gzip data is corrupt: " + (zlib_.msg ? zlib_.msg : ::zError(code)));
    }
    member_ended_ = code == Z_STREAM_END;
    done += room - zlib_.avail_out;
  }
  return done;
}

}  // namespace reluctance
