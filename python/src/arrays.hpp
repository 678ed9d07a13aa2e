// Tensors of other libraries, in and out, without a copy.
#pragma once

#include <ATen/ATen.h>
#include <pybind11/pybind11.h>

namespace reluctance::python {

namespace py = pybind11;

// A tensor as Python holds it: it speaks DLPack and the buffer protocol, so NumPy, PyTorch and
// others can look at its memory.
struct Array {
  at::Tensor tensor;
  at::Tensor host{};  // what a buffer shows of a tensor that is not in memory, or has no format
};

// The memory of a DLPack capsule, which is used up. Throws Error if it is of a kind that ATen
// lacks.
Array from_dlpack(const py::capsule& capsule);

// The memory of an object with the buffer protocol; never written to. Throws Error for anything but
// plain numbers.
Array from_buffer(const py::object& object);

// Gives back the buffers of tensors that ended on a thread without Python's lock.
void release_buffers();

void bind_arrays(py::module_& module);

}  // namespace reluctance::python
