#include "network.hpp"

#include <pybind11/stl.h>

#include <string_view>

#include "arguments.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/device.hpp"
#include "reluctance/jobs/subject.hpp"
#include "reluctance/network/normalisation.hpp"
#include "reluctance/network/parameters.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance::python {
namespace {

HeldNetwork load_file(const std::string& path, const Answer& answer, const Arguments& arguments) {
  return {path, run_job(arguments.settings(),
                        [path, answer](const Parts&) { return read_onnx(path, answer); })};
}

HeldNetwork load_bytes(const py::bytes& bytes, const std::string& name, const Answer& answer,
                       const Arguments& arguments) {
  // Copied: the work may outlive the call.
  return {name,
          run_job(arguments.settings(), [text = std::string(bytes), name, answer](const Parts&) {
            return read_onnx_bytes(text, name, answer);
          })};
}

HeldNetwork moved(const HeldNetwork& held, const std::string& where) {
  HeldNetwork copy = held;
  if (where == "float32" || where == "float64") {
    copy.imported.network = held.network().to(where == "float32" ? at::kFloat : at::kDouble);
  } else {
    copy.imported.network = held.network().to(usable_device(where));
  }
  return copy;
}

// What takes x where the network takes (x - mean) / std.
HeldNetwork with_normalisation(const HeldNetwork& held, const std::vector<double>& mean,
                               const std::vector<double>& std) {
  HeldNetwork copy = held;
  try {
    copy.imported.network = normalised(held.network(), {mean, std});
  } catch (const Error& error) {
    throw Error(held.name + ": " + error.what());
  }
  return copy;
}

Array logits_of(const HeldNetwork& held, const Array& images, const Arguments& arguments) {
  return {run_job(arguments.settings(),
                  [network = held.network(), images = images.tensor](const Parts&) {
                    return logits(network, as_inputs(network, images));
                  })};
}

std::vector<std::string> folded_of(const HeldNetwork& held) {
  const std::vector<NamedParameter> all = named_parameters(held.imported);
  std::vector<std::string> folded;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (held.imported.sources[k].folded) folded.push_back(all[k].name);
  }
  return folded;
}

std::vector<Array> parameters_of(const HeldNetwork& held) {
  std::vector<Array> all;
  for (const Tensor& each : held.network().parameters()) all.push_back({each});
  return all;
}

}  // namespace

void bind_network(py::module_& module) {
  py::class_<NamedParameter>(module, "NamedParameter")
      .def_readonly("name", &NamedParameter::name)
      .def_readonly("shape", &NamedParameter::shape);
  py::class_<HeldNetwork>(module, "Network")
      .def_readonly("name", &HeldNetwork::name)
      .def_property_readonly("input_shape",
                             [](const HeldNetwork& held) { return held.network().input_shape(); })
      .def_property_readonly("classes",
                             [](const HeldNetwork& held) { return held.network().classes(); })
      .def_property_readonly("summary",
                             [](const HeldNetwork& held) { return summary(held.network()); })
      .def_property_readonly("dtype",
                             [](const HeldNetwork& held) {
                               return held.network().dtype() == at::kDouble ? "float64" : "float32";
                             })
      .def_property_readonly("device",
                             [](const HeldNetwork& held) { return held.network().device().str(); })
      .def_property_readonly("notes", [](const HeldNetwork& held) { return held.imported.notes; })
      .def("named",
           [](const HeldNetwork& held, const std::vector<std::string>& names) {
             const std::vector<NamedParameter> all = named_parameters(held.imported);
             return names.empty() ? all : chosen_parameters(all, names);
           })
      .def_property_readonly("folded", folded_of)
      .def("parameters", parameters_of)
      .def("to", moved)
      .def("normalised", with_normalisation)
      .def("logits",
           [](const HeldNetwork& held, const Array& images, const py::dict& arguments) {
             return logits_of(held, images, Arguments(arguments));
           })
      .def("save", [](const HeldNetwork& held, const std::string& path) {
        write_onnx(held.network(), path);
      });
  module.def(
      "load_file", [](const std::string& path, const std::string& output, const py::dict& given) {
        const Arguments arguments(given);
        return load_file(path, answer_of(output, arguments.word("answer", "max")), arguments);
      });
  module.def("load_bytes", [](const py::bytes& bytes, const std::string& name,
                              const std::string& output, const py::dict& given) {
    const Arguments arguments(given);
    return load_bytes(bytes, name, answer_of(output, arguments.word("answer", "max")), arguments);
  });
}

}  // namespace reluctance::python
