// The diagnosis of a training that goes on in Python.
#include "watch.hpp"

#include <ATen/ATen.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/claims/diagnosis.hpp"
#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/jobs/training.hpp"
#include "reluctance/network/passes.hpp"
#include "subject.hpp"

namespace reluctance::python {
namespace {

// What a step needs is shared: a question that takes too long to leave is left to end alone.
struct Watched {
  Diagnosis diagnosis;
  TrainingState state;
  std::vector<std::string> notes;
};

class Watch {
 public:
  Watch(const Subject& subject, const Arguments& arguments) {
    DiagnosisOptions options;
    options.objective = objective_of(arguments.attack(curvature_attack()), 0);
    require_known_curvature(options.objective);
    options.every = arguments.whole("every", options.every, 1, 1000000000);
    options.top = arguments.whole("top", options.top, 1, 1000);
    options.momentum = arguments.number("momentum", 0, 0, 1);
    options.memory = subject.curvature_memory();
    options.seed = subject.seed;
    watched_ = run_job(arguments.settings(), [subject, options](const Parts&) {
      const Dataset data = subject.data();
      const Network& network = subject.subject.network;
      return std::make_shared<Watched>(Watched{Diagnosis(as_inputs(network, data.samples), options),
                                               TrainingState{network, {}, 0, 0, 0, {}},
                                               data.notes});
    });
  }

  // `parameters`: those of the network after the step, in its order. True if a line was added.
  bool after_step(const std::vector<Array>& parameters, double learning_rate,
                  const Arguments& arguments) {
    Tensors tensors;
    const Tensors now = watched_->state.network.parameters();
    if (parameters.size() != now.size()) throw Error("these parameters are of another network");
    for (std::size_t k = 0; k < now.size(); ++k) {
      const Tensor& given = parameters[k].tensor;
      if (given.numel() != now[k].numel()) throw Error("these parameters are of another network");
      tensors.push_back(given.to(now[k].options()).reshape(now[k].sizes()));
    }
    TrainingState& state = watched_->state;
    state.network.set_parameters(tensors);
    ++state.step;
    if (watched_->diagnosis.is_due(state.step)) {
      return run_job(arguments.settings(), [watched = watched_, learning_rate](const Parts&) {
        return watched->diagnosis.after_step(watched->state, learning_rate);
      });
    }
    // Light enough to cost less here than on a thread of its own.
    const py::gil_scoped_release release;
    return watched_->diagnosis.after_step(state, learning_rate);
  }

  const Watched& watched() const { return *watched_; }

 private:
  std::shared_ptr<Watched> watched_;
};

}  // namespace

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
      .def_property_readonly("lines",
                             [](const Watch& watch) { return watch.watched().diagnosis.lines(); })
      .def_property_readonly("notes", [](const Watch& watch) { return watch.watched().notes; });
}

}  // namespace reluctance::python
