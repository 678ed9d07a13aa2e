#include "reluctance/data/idx.hpp"

#include <ATen/ATen.h>

#include <array>
#include <string>

#include "data/byte_stream.hpp"
#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/large_tensor.hpp"

namespace reluctance {
namespace {

at::ScalarType scalar_type(const std::string& where, unsigned char code) {
  switch (code) {
    case 0x08:
      return at::kByte;
    case 0x09:
      return at::kChar;
    case 0x0B:
      return at::kShort;
    case 0x0C:
      return at::kInt;
    case 0x0D:
      return at::kFloat;
    case 0x0E:
      return at::kDouble;
  }
  throw Error(
      where + ": has the unknown IDX type " + std::to_string(code) +
      "; types are 8 (uint8), 9 (int8), 11 (int16), 12 (int32), 13 (float32), 14 (float64)");
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path, const Progress& progress) {
  const std::string where = path.string();
  ByteStream stream(path);

  // Two zeros, the type and the number of dimensions.
  std::array<unsigned char, 4> magic{};
  if (stream.read(magic.data(), 4) < 4 || magic[0] != 0 || magic[1] != 0) {
    throw Error(where +
                ": not an IDX file, which starts with two zero bytes, a type and a number " +
                "of dimensions");
  }
  const at::ScalarType type = scalar_type(where, magic[2]);
  if (magic[3] > dimension_limit) {
    throw Error(where + ": declares " + std::to_string(magic[3]) +
                " dimensions; an IDX file of images has 3");
  }
  Shape shape(magic[3]);
  for (int64_t& extent : shape) {
    std::array<unsigned char, 4> word{};
    if (stream.read(word.data(), 4) < 4) throw Error(where + ": ends within its IDX header");
    for (unsigned char byte : word) extent = extent << 8 | byte;
  }

  const int64_t bytes = bounded_bytes(where, shape, static_cast<int64_t>(at::elementSize(type)));
  const std::string declared = "the " + std::to_string(bytes) + " bytes of data that its header, " +
                               to_string(shape) + ' ' + at::toString(type) + ", declares";
  const auto too_short = [&] { return Error(where + ": is too short for " + declared); };
  if (bytes > stream.most_bytes()) throw too_short();
  Tensor data = large_empty(shape, type);
  fill_tensor(
      data,
      [&](void* out, std::size_t count) {
        if (stream.read(out, count) < count) throw too_short();
      },
      progress);
  char beyond = 0;
  if (stream.read(&beyond, 1) != 0) throw Error(where + ": goes on after " + declared);
  swap_byte_order(data);  // IDX is big-endian
  return data;
}

}  // namespace reluctance
