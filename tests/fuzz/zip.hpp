// Archives whose checksums are right whatever the bytes: otherwise nearly every change would be
// refused for its checksum, and nothing behind that would ever be met.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reluctance {

// Of every stored entry that lies inside of the bytes; APPNOTE.TXT of PKWARE has the places.
inline std::string with_right_checksums(std::string_view archive) {
  std::string bytes(archive);
  const auto number = [&](std::size_t at, int size) {
    std::uint32_t value = 0;
    while (size-- > 0) value = value << 8 | static_cast<unsigned char>(bytes[at + size]);
    return value;
  };
  const std::string_view local = "PK\x03\x04";
  const std::string_view central = "PK\x01\x02";
  constexpr std::size_t local_size = 30;
  constexpr std::size_t central_size = 46;
  for (std::size_t at = bytes.find(central); at != bytes.npos; at = bytes.find(central, at + 1)) {
    if (at + central_size > bytes.size() || number(at + 10, 2) != 0) continue;
    const std::size_t entry = number(at + 42, 4);
    if (entry + local_size > bytes.size() || bytes.compare(entry, local.size(), local) != 0)
      continue;
    const std::size_t begin = entry + local_size + number(entry + 26, 2) + number(entry + 28, 2);
    const std::size_t size = number(at + 20, 4);
    if (begin + size > bytes.size()) continue;
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + begin), size);
    for (int i = 0; i < 4; ++i) {
      bytes[at + 16 + i] = bytes[entry + 14 + i] = static_cast<char>(sum >> 8 * i);
    }
  }
  return bytes;
}

}  // namespace reluctance
