#include "data/npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"

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
