#include "arrays.hpp"

#include <ATen/DLConvertor.h>
#include <pybind11/stl.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "reluctance/base/error.hpp"

namespace reluctance::python {
namespace {

struct Format {
  at::ScalarType type;
  const char* code;  // of Python's struct module
};
constexpr std::array<Format, 9> formats{{{at::kFloat, "f"},
                                         {at::kDouble, "d"},
                                         {at::kHalf, "e"},
                                         {at::kByte, "B"},
                                         {at::kChar, "b"},
                                         {at::kShort, "h"},
                                         {at::kInt, "i"},
                                         {at::kLong, "l"},
                                         {at::kBool, "?"}}};

const Format* format_of(at::ScalarType type) {
  for (const Format& each : formats) {
    if (each.type == type) return &each;
  }
  return nullptr;
}

at::ScalarType type_of(const std::string& code) {
  if (code == "q") return at::kLong;
  for (const Format& each : formats) {
    if (code == each.code) return each.type;
  }
  throw Error("arrays: numbers of the format '" + code +
              "' are not taken; convert them to float32, uint8 or int64");
}

// Buffers of tensors that ended on a thread without Python's lock.
class Leftovers {
 public:
  void add(std::unique_ptr<Py_buffer> buffer) {
    if (PyGILState_Check() == 1) return PyBuffer_Release(buffer.get());
    const std::lock_guard lock(mutex_);
    buffers_.push_back(std::move(buffer));
  }
  std::vector<std::unique_ptr<Py_buffer>> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(buffers_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Py_buffer>> buffers_;
};

Leftovers& leftovers() {
  static auto* const all = new Leftovers;  // tensors may outlive everything static
  return *all;
}

py::buffer_info shown(Array& array) {
  at::Tensor tensor = array.tensor;
  const Format* format = format_of(tensor.scalar_type());
  if (!tensor.is_cpu() || !format) {
    array.host = format ? tensor.cpu() : tensor.cpu().to(at::kFloat);
    tensor = array.host;
    format = format_of(tensor.scalar_type());
  }
  std::vector<py::ssize_t> shape(tensor.sizes().begin(), tensor.sizes().end());
  std::vector<py::ssize_t> strides;
  for (const int64_t stride : tensor.strides()) {
    strides.push_back(stride * static_cast<py::ssize_t>(tensor.itemsize()));
  }
  return {tensor.data_ptr(), static_cast<py::ssize_t>(tensor.itemsize()),
          format->code,      tensor.dim(),
          std::move(shape),  std::move(strides)};
}

py::capsule to_dlpack(const Array& array) {
  // This version of DLPack has no booleans: they go out as bytes.
  const bool boolean = array.tensor.scalar_type() == at::kBool;
  const at::Tensor tensor = boolean ? array.tensor.view(at::kByte) : array.tensor;
  return py::capsule(at::toDLPack(tensor), "dltensor", [](PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor")) return;  // somebody took it
    auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    managed->deleter(managed);
  });
}

}  // namespace

Array from_dlpack(const py::capsule& capsule) {
  if (!PyCapsule_IsValid(capsule.ptr(), "dltensor")) {
    throw Error("arrays: this DLPack capsule was used before");
  }
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  Array array{at::fromDLPack(managed)};
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");
  return array;
}

Array from_buffer(const py::object& object) {
  release_buffers();
  auto buffer = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), buffer.get(), PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    throw py::error_already_set();
  }
  struct Release {
    void operator()(Py_buffer* held) const { PyBuffer_Release(held); }
  };
  std::unique_ptr<Py_buffer, Release> held(buffer.get());  // until the tensor has it
  const at::ScalarType type = type_of(buffer->format ? buffer->format : "B");
  const auto size = static_cast<int64_t>(c10::elementSize(type));
  std::vector<int64_t> sizes(buffer->shape, buffer->shape + buffer->ndim);
  std::vector<int64_t> strides;
  for (int i = 0; i < buffer->ndim; ++i) {
    if (buffer->strides[i] < 0 || buffer->strides[i] % size != 0) {
      throw Error("arrays: their memory runs backwards or is not aligned; copy them first");
    }
    strides.push_back(buffer->strides[i] / size);
  }
  void* const memory = buffer->buf;
  static_cast<void>(held.release());
  auto shared = std::make_shared<std::unique_ptr<Py_buffer>>(std::move(buffer));
  return {at::from_blob(
      memory, sizes, strides, [shared](void*) { leftovers().add(std::move(*shared)); },
      at::TensorOptions().dtype(type))};
}

void release_buffers() {
  for (const std::unique_ptr<Py_buffer>& buffer : leftovers().take()) {
    PyBuffer_Release(buffer.get());
  }
}

void bind_arrays(py::module_& module) {
  py::class_<Array>(module, "Array", py::buffer_protocol())
      .def_buffer(shown)
      .def(
          "__dlpack__", [](const Array& array, const py::object&) { return to_dlpack(array); },
          py::arg("stream") = py::none())
      .def("__dlpack_device__",
           [](const Array& array) {
             const c10::Device device = array.tensor.device();
             return device.is_cpu() ? py::make_tuple(static_cast<int>(kDLCPU), 0)
                                    : py::make_tuple(static_cast<int>(kDLCUDA),
                                                     static_cast<int>(device.index()));
           })
      .def_property_readonly(
          "shape",
          [](const Array& array) { return py::tuple(py::cast(array.tensor.sizes().vec())); })
      .def_property_readonly(
          "dtype", [](const Array& array) { return at::toString(array.tensor.scalar_type()); })
      .def_property_readonly("device",
                             [](const Array& array) { return array.tensor.device().str(); })
      .def_property_readonly("address", [](const Array& array) {
        return reinterpret_cast<std::uintptr_t>(array.tensor.data_ptr());
      });
  module.def("from_dlpack", from_dlpack);
  module.def("from_buffer", from_buffer);
}

}  // namespace reluctance::python
