#include "watch.hpp"

#include <ATen/ATen.h>
#include <pybind11/stl.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/jobs/training.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance::python {

Watch::Watch(const Subject& subject, const Arguments& arguments) {
  DiagnosisOptions options;
  options.objective = objective_of(arguments.attack(curvature_attack()), 0);
  require_known_curvature(options.objective);
  options.every = arguments.whole("every", options.every, 1, 1000000000);
  options.top = arguments.whole("top", options.top, 1, 1000);
  options.memory = subject.curvature_memory();
  options.seed = subject.seed;
  watched_ = run_job(arguments.settings(), [subject, options](const Parts&) {
    const Dataset data = subject.data();
    const Network& network = subject.subject.network;
    return std::make_shared<Watched>(
        Watched{Diagnosis(as_inputs(network, data.samples), options), options.objective,
                TrainingState{network, {}, 0, 0, 0, {}}, 0, data.notes});
  });
}

bool Watch::after_step(const std::vector<Array>& parameters, double learning_rate,
                       const Arguments& arguments) {
  Tensors tensors;
  TrainingState& state = watched_->state;
  const Tensors now = state.network.parameters();
  if (parameters.size() != now.size()) throw Error("these parameters are of another network");
  for (std::size_t k = 0; k < now.size(); ++k) {
    const Tensor& given = parameters[k].tensor;
    if (given.numel() != now[k].numel()) throw Error("these parameters are of another network");
    tensors.push_back(given.to(now[k].options()).reshape(now[k].sizes()));
  }
  const int64_t skipped = arguments.whole("skipped", 0, 0, int64_t{1} << 60);
  state.network.set_parameters(tensors);
  state.step += 1 + skipped;
  watched_->learning_rate = learning_rate;
  {
    // Light enough to cost less here than on a thread of its own.
    const py::gil_scoped_release release;
    watched_->diagnosis.follow(state, learning_rate, skipped > 0);
  }
  const bool due =
      arguments.has("ask") ? arguments.flag("ask") : watched_->diagnosis.is_due(state.step);
  if (due) {
    const double critical = arguments.number("critical", std::nan(""), 0, 1e12);
    run_job(arguments.settings(), [watched = watched_, critical](const Parts&) {
      watched->diagnosis.ask(watched->state, critical);
      return true;
    });
  }
  return due;
}

void bind_watch(py::module_& module) {
  py::class_<Watch>(module, "Watch")
      .def(py::init([](const HeldNetwork& held, const Array& images, const Array& labels,
                       const py::dict& given) {
        const Arguments arguments(given);
        return std::make_unique<Watch>(subject_of(held, images, labels, arguments), arguments);
      }))
      .def("after_step",
           [](Watch& watch, const std::vector<Array>& parameters, double learning_rate,
              const py::dict& given) {
             return watch.after_step(parameters, learning_rate, Arguments(given));
           })
      .def("__repr__", [](const Watch&) { return "watch"; })  // in the command of a report
      .def_property_readonly("lines",
                             [](const Watch& watch) { return watch.watched().diagnosis.lines(); })
      .def_property_readonly("notes", [](const Watch& watch) { return watch.watched().notes; });
}

}  // namespace reluctance::python
