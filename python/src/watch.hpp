// The diagnosis of a training that goes on in Python.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "arrays.hpp"
#include "reluctance/claims/diagnosis.hpp"
#include "subject.hpp"

namespace reluctance::python {

// What a step needs is shared: a question that takes too long to leave is left to end alone.
struct Watched {
  Diagnosis diagnosis;
  Objective objective;
  TrainingState state;
  double learning_rate = 0;  // of the last step that was followed
  std::vector<std::string> notes;
};

class Watch {
 public:
  // "every", "top", "momentum" and an attack. Throws Error for a training that no curvature is
  // known for.
  Watch(const Subject& subject, const Arguments& arguments);

  // `parameters`: those of the network after the step, in its order. "skipped": steps since the
  // last one that nobody followed; "ask": whether to ask now, where it is not "every" so many
  // steps. True if a line was added.
  bool after_step(const std::vector<Array>& parameters, double learning_rate,
                  const Arguments& arguments);

  const Watched& watched() const { return *watched_; }

 private:
  std::shared_ptr<Watched> watched_;
};

void bind_watch(py::module_& module);

}  // namespace reluctance::python
