// Tensors that may be larger than the machine's memory.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <functional>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/tensor.hpp"

namespace reluctance {

// As at::empty, on the CPU. One of more than 512 MiB lies in a file without a name, in the folder
// that TMPDIR names or in /var/tmp: the system keeps in memory what there is room for. Throws Error
// (Kind::job) naming the folder if that much cannot be reserved in it.
Tensor large_empty(const Shape& shape, c10::ScalarType dtype);

// A contiguous copy of N rows, or of one number, as that type, made so; `change` gets the copy's
// rows, piece by piece, to work on in place. Tensors of other devices are copied there. Throws
// Interrupted.
Tensor large_copy(const Tensor& rows, c10::ScalarType dtype,
                  const std::function<void(Tensor& piece)>& change = {});

// Reads the bytes of a contiguous tensor, piece by piece, by calls of `read`. Progress counts
// bytes. Throws Interrupted.
void fill_tensor(Tensor& tensor, const std::function<void(void* out, std::size_t count)>& read,
                 const Progress& progress = {});

// Calls body for pieces of the N rows, from front to back, as long as it returns true. Throws
// Interrupted.
void for_each_piece(const Tensor& rows,
                    const std::function<bool(int64_t begin, const Tensor& piece)>& body);

}  // namespace reluctance
