#include "data/byte_stream.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

// zlib counts in 32 bits, so it is given at most this many bytes at once.
constexpr std::size_t zlib_piece = std::size_t{1} << 30;

constexpr int gzip_window_bits = 15 + 16;  // the largest window, with gzip's header and CRC

}  // namespace

ByteStream::ByteStream(const std::filesystem::path& path)
    : path_(path.string()),
      file_(read_file(path, decoded_limit)),
      rest_(file_),
      gzipped_(rest_.starts_with("\x1f\x8b")) {
  if (gzipped_ && inflateInit2(&zlib_, gzip_window_bits) != Z_OK) throw std::bad_alloc();
}

ByteStream::~ByteStream() {
  if (gzipped_) inflateEnd(&zlib_);
}

int64_t ByteStream::most_bytes() const {
  const auto size = static_cast<int64_t>(file_.size());
  return gzipped_ ? size * deflate_ratio : size;
}

std::size_t ByteStream::read(void* out, std::size_t count) {
  if (gzipped_) return inflate(static_cast<char*>(out), count);
  count = std::min(count, rest_.size());
  std::copy_n(rest_.data(), count, static_cast<char*>(out));
  rest_.remove_prefix(count);
  return count;
}

std::size_t ByteStream::inflate(char* out, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    if (zlib_.avail_in == 0) {
      const std::string_view piece = rest_.substr(0, zlib_piece);
      zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      zlib_.avail_in = static_cast<uInt>(piece.size());
      rest_.remove_prefix(piece.size());
    }
    if (member_ended_) {
      if (zlib_.avail_in == 0) break;
      // gzip files may be concatenated; anything else after the end fails as a bad header.
      inflateReset(&zlib_);
      member_ended_ = false;
    }
    if (zlib_.avail_in == 0)
      throw Error(path_ + ": the gzip data ends early; the file is truncated");
    const std::size_t room = std::min(count - done, zlib_piece);
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
