// What the readers of binary formats share: bounds on what a file may declare, and byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Most bytes that a file, or all arrays of one, may hold once decoded. What is large lies on the
// disk.
inline constexpr int64_t decoded_limit = int64_t{64} << 30;

// Deflate makes nothing smaller than 1/1032 of its size: two bits for 258 equal bytes.
inline constexpr int64_t deflate_ratio = 1032;

// Most dimensions of an array; NumPy's own limit.
inline constexpr std::size_t dimension_limit = 32;

// Bytes of an array of `shape` with items of `item_bytes`. Throws Error that starts with `where` if
// they exceed decoded_limit; a zero extent counts as 1 there, so strides cannot overflow either.
int64_t bounded_bytes(const std::string& where, const Shape& shape, int64_t item_bytes);

// Reverses the bytes of every element of a contiguous tensor, in place.
void swap_byte_order(Tensor& tensor);

}  // namespace reluctance
