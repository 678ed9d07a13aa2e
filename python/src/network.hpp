// A network as Python holds it.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "arrays.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance::python {

struct HeldNetwork {
  std::string name;  // of its file, or what else stands for it
  ImportedNetwork imported;

  const Network& network() const { return imported.network; }
};

void bind_network(py::module_& module);

}  // namespace reluctance::python
