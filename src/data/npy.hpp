// NumPy's .npy format: a Python dict that tells an array's type, order and shape, then its bytes.
#pragma once

#include <ATen/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

struct NpyHeader {
  std::string descr;   // NumPy's name of the type, for example "<f4"
  bool fortran_order;  // whether the first index varies fastest
  Shape shape;
};

// How the bytes of a NumPy type become a tensor.
struct NpyType {
  at::ScalarType stored;  // a type whose elements have the same bytes, after any swap
  at::ScalarType result;  // wider than `stored` for unsigned integers
  bool big_endian;
};

inline constexpr std::string_view npy_magic = "\x93NUMPY";

// Parses the dict; `text` is what follows the header's length. Nothing but the three keys with
// values of their kind is accepted. Throws Error that starts with `where`.
NpyHeader parse_npy_header(const std::string& where, std::string_view text);

// Throws Error that starts with `where` for types that are not plain numbers or bool.
NpyType npy_type(const std::string& where, std::string_view descr);

// Bytes read from front to back; reading beyond the end throws Error.
class NpySource {
 public:
  virtual ~NpySource() = default;
  virtual std::uint64_t left() const = 0;  // not read yet
  virtual void read(void* out, std::uint64_t count) = 0;
  virtual void verify_end() = 0;  // once everything has been read
};

// The array, contiguous. `budget`: what all arrays of the file may still take, in bytes. Progress
// counts bytes. Throws Error that starts with `where`, and Interrupted.
Tensor read_npy(const std::string& where, NpySource& source, int64_t& budget,
                const Progress& progress = {});

// The array of a file of its own.
Tensor read_npy(const std::filesystem::path& path, const Progress& progress = {});

// Magic, version 1.0, length and dict for a contiguous tensor, padded to a multiple of 64 bytes.
// Throws Error that starts with `where` if NumPy has no such type.
std::string format_npy_header(const std::string& where, const Tensor& tensor);

}  // namespace reluctance
