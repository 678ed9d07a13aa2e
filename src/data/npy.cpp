#include "data/npy.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <utility>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/large_tensor.hpp"

namespace reluctance {
namespace {

struct KnownType {
  std::string_view code;  // descr without its byte order
  at::ScalarType stored;
  at::ScalarType result;
};

// Tensors know no unsigned type but uint8: wider ones are read as their signed twins.
constexpr std::array<KnownType, 12> known_types{{
    {"b1", at::kByte, at::kBool},
    {"u1", at::kByte, at::kByte},
    {"i1", at::kChar, at::kChar},
    {"i2", at::kShort, at::kShort},
    {"i4", at::kInt, at::kInt},
    {"i8", at::kLong, at::kLong},
    {"f2", at::kHalf, at::kHalf},
    {"f4", at::kFloat, at::kFloat},
    {"f8", at::kDouble, at::kDouble},
    {"u2", at::kShort, at::kLong},
    {"u4", at::kInt, at::kLong},
    {"u8", at::kLong, at::kLong},
}};

std::string_view kind_of_refused(std::string_view descr) {
  switch (descr.size() > 1 ? descr[1] : '\0') {
    case 'O':
      return " (Python objects)";
    case 'V':
      return " (structured or raw)";
    case 'S':
    case 'U':
      return " (strings)";
    case 'c':
      return " (complex numbers)";
    case 'M':
    case 'm':
      return " (dates or times)";
  }
  return "";
}

// Reads the few forms of Python literals that a .npy header may hold, and nothing else.
class LiteralParser {
 public:
  LiteralParser(const std::string& where, std::string_view text) : where_(where), rest_(text) {}

  NpyHeader header() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = type_name();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        fail("has an unknown or repeated key");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) fail("goes on after its '}'");
    if (!descr || !fortran_order || !shape) fail("lacks descr, fortran_order or shape");
    return {*descr, *fortran_order, *shape};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(where_ + ": the .npy header " + what + "; write the file with numpy.savez");
  }

  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
  }

  bool accept(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool accept(char token) { return accept(std::string_view(&token, 1)); }

  void expect(char token) {
    if (!accept(token)) fail(std::string("lacks a '") + token + "' where one belongs");
  }

  std::string string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) fail("has a string without an end");
    const std::string value(rest_.substr(0, end));
    // Messages quote these strings, and a message is one line.
    if (value.find_first_of("\r\n\x1b") != std::string::npos) fail("has a broken string");
    rest_.remove_prefix(end + 1);
    return value;
  }

  std::string type_name() {
    if (accept('[')) {
      throw Error(where_ + ": has a structured type; save each field as an array of its own");
    }
    return string();
  }

  bool boolean() {
    if (accept("True")) return true;
    if (!accept("False")) fail("has a fortran_order that is neither True nor False");
    return false;
  }

  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(extent());
      if (accept(',')) continue;
      if (shape.size() == 1) fail("has a shape that is not a tuple");  // Python's (3) is a number
      expect(')');
      break;
    }
    if (shape.size() > dimension_limit) fail("has a shape with more than 32 dimensions");
    return shape;
  }

  int64_t extent() {
    skip_space();
    int64_t value = -1;
    const char* end = rest_.data() + rest_.size();
    const auto [stop, code] = std::from_chars(rest_.data(), end, value);
    if (code != std::errc() || value < 0) fail("has a shape that is not made of integers from 0");
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return value;
  }

  const std::string& where_;
  std::string_view rest_;
};

constexpr std::uint64_t header_limit = 65535;  // what version 1.0 can tell; real ones are near 100

// A file of its own.
class FileSource final : public NpySource {
 public:
  explicit FileSource(const std::filesystem::path& path)
      : where_(path.string()), file_(path, decoded_limit) {}

  std::uint64_t left() const override { return file_.left(); }

  void read(void* out, std::uint64_t count) override {
    if (file_.read(out, count) < count) throw Error(where_ + ": ends early");
  }

  void verify_end() override {}  // its size was compared with the header's

 private:
  std::string where_;
  FileReader file_;
};

NpyHeader read_header(const std::string& where, NpySource& source) {
  std::array<unsigned char, 8> start{};  // the magic, then major and minor version
  source.read(start.data(), start.size());
  if (!std::equal(npy_magic.begin(), npy_magic.end(), reinterpret_cast<char*>(start.data()))) {
    throw Error(where + ": is not in the .npy format");
  }
  const int version = start[6];
  if (version < 1 || version > 3 || start[7] != 0) {
    throw Error(where + ": has the .npy version " + std::to_string(version) + "." +
                std::to_string(start[7]) + "; known are 1.0, 2.0 and 3.0");
  }
  std::array<unsigned char, 4> word{};  // little-endian
  source.read(word.data(), version == 1 ? 2 : 4);
  const std::uint32_t length =
      word[0] | word[1] << 8 | word[2] << 16 | std::uint32_t{word[3]} << 24;
  if (length > std::min(source.left(), header_limit)) {
    throw Error(where + ": has a .npy header of " + std::to_string(length) +
                " bytes, more than fit there");
  }
  std::string text(length, '\0');
  source.read(text.data(), length);
  return parse_npy_header(where, text);
}

Tensor widened(const std::string& where, const Tensor& stored, std::string_view descr) {
  const auto widened_by = [&](int64_t mask) {
    return large_copy(stored, at::kLong, [mask](Tensor& piece) { piece.bitwise_and_(mask); });
  };
  if (descr.ends_with("b1")) return large_copy(stored, at::kBool);
  if (descr.ends_with("u2")) return widened_by(0xFFFF);
  if (descr.ends_with("u4")) return widened_by(0xFFFFFFFFL);
  if (descr.ends_with("u8") && stored.lt(0).any().item<bool>()) {
    throw Error(where + ": has a value above 9223372036854775807; save it as int64");
  }
  return stored;
}

}  // namespace

NpyHeader parse_npy_header(const std::string& where, std::string_view text) {
  return LiteralParser(where, text).header();
}

NpyType npy_type(const std::string& where, std::string_view descr) {
  const char order = descr.empty() ? '\0' : descr.front();
  for (const KnownType& type : known_types) {
    if (descr.substr(std::min<std::size_t>(1, descr.size())) != type.code) continue;
    const bool has_order =
        order == '<' || order == '>' || (order == '|' && type.code.back() == '1');
    if (has_order) return {type.stored, type.result, order == '>'};
  }
  throw Error(where + ": has the type '" + std::string(descr) + "'" +
              std::string(kind_of_refused(descr)) +
              ", which is not supported; save it as floats, integers or bools");
}

Tensor read_npy(const std::string& where, NpySource& source, int64_t& budget,
                const Progress& progress) {
  NpyHeader header = read_header(where, source);
  const NpyType type = npy_type(where, header.descr);
  const auto item_bytes = static_cast<int64_t>(at::elementSize(type.stored));
  const int64_t bytes = bounded_bytes(where, header.shape, item_bytes);
  if (static_cast<std::uint64_t>(bytes) != source.left()) {
    throw Error(where + ": has " + std::to_string(source.left()) + " bytes of data, but " +
                to_string(header.shape) + " elements of type " + header.descr + " take " +
                std::to_string(bytes));
  }
  budget -= bytes / item_bytes * static_cast<int64_t>(at::elementSize(type.result));
  if (budget < 0) throw Error(where + ": exceeds the limit of 64 GiB for all arrays of a file");

  // Fortran's order is C's order of the transposed array.
  if (header.fortran_order) std::reverse(header.shape.begin(), header.shape.end());
  Tensor stored = large_empty(header.shape, type.stored);
  fill_tensor(
      stored, [&](void* out, std::size_t count) { source.read(out, count); }, progress);
  source.verify_end();
  if (type.big_endian) swap_byte_order(stored);
  if (header.fortran_order) {
    Shape axes(header.shape.size());
    std::iota(axes.rbegin(), axes.rend(), 0);
    stored = large_copy(stored.permute(axes), type.stored);
  }
  return widened(where, stored, header.descr);
}

Tensor read_npy(const std::filesystem::path& path, const Progress& progress) {
  FileSource source(path);
  int64_t budget = decoded_limit;
  return read_npy(path.string(), source, budget, progress);
}

std::string format_npy_header(const std::string& where, const Tensor& tensor) {
  const auto* type = std::find_if(known_types.begin(), known_types.end(), [&](const KnownType& t) {
    return t.result == tensor.scalar_type();
  });
  if (type == known_types.end()) {
    throw Error(where + ": NumPy has no type for " + at::toString(tensor.scalar_type()));
  }
  std::string text = "{'descr': '";
  text += tensor.element_size() == 1 ? '|' : '<';
  text += type->code;
  text += "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : tensor.sizes()) text += std::to_string(extent) + ", ";
  text += "), }";
  constexpr std::size_t preamble = npy_magic.size() + 4;  // then two of version, two of length
  text.append(63 - (preamble + text.size()) % 64, ' ');
  text += '\n';
  std::string header(npy_magic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(text.size() % 256);
  header += static_cast<char>(text.size() / 256);
  return header + text;
}

}  // namespace reluctance
