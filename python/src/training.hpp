#pragma once

#include <pybind11/pybind11.h>

namespace reluctance::python {

void bind_training(pybind11::module_& module);

}  // namespace reluctance::python
