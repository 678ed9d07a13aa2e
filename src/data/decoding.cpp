#include "data/decoding.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the readers and writers swap bytes of big-endian files only");

template <typename Word>
void swap_words(char* bytes, int64_t count) {
  for (int64_t i = 0; i < count; ++i, bytes += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes, sizeof(Word));
    if constexpr (sizeof(Word) == 2) word = __builtin_bswap16(word);
    if constexpr (sizeof(Word) == 4) word = __builtin_bswap32(word);
    if constexpr (sizeof(Word) == 8) word = __builtin_bswap64(word);
    std::memcpy(bytes, &word, sizeof(Word));
  }
}

}  // namespace

int64_t bounded_bytes(const std::string& where, const Shape& shape, int64_t item_bytes) {
  int64_t bytes = item_bytes;
  for (int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes) ||
        bytes > decoded_limit) {
      throw Error(where + ": " + to_string(shape) + " elements of " + std::to_string(item_bytes) +
                  " bytes are more than the limit of 64 GiB");
    }
  }
  return elements(shape) * item_bytes;
}

void swap_byte_order(Tensor& tensor) {
  auto* bytes = static_cast<char*>(tensor.data_ptr());
  switch (tensor.element_size()) {
    case 2:
      return swap_words<std::uint16_t>(bytes, tensor.numel());
    case 4:
      return swap_words<std::uint32_t>(bytes, tensor.numel());
    case 8:
      return swap_words<std::uint64_t>(bytes, tensor.numel());
  }
}

}  // namespace reluctance
