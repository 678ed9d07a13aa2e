// Runs the library's work while Python goes on: without its lock, on a thread of the job's own, so
// that Ctrl-C and progress are heard on the thread that asked, and the threads that OpenMP keeps
// for the asking thread stay as they were.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "reluctance/base/progress.hpp"

namespace reluctance::python {

namespace py = pybind11;

struct JobSettings {
  int threads = 0;                   // 0: one for each core
  py::object progress = py::none();  // called with the name of a part, units done, all units
};

// Waits for `work`. Rethrows what it throws, and what a signal or the receiver of the progress
// raises: then the work is stopped first or, where a step takes more than 1.5 seconds to leave,
// left to end alone. So `work` owns whatever it uses.
void run_work(const JobSettings& settings, std::function<void(const Parts& parts)> work);

template <typename Work>
auto run_job(const JobSettings& settings, Work work) {
  using Result = std::invoke_result_t<Work&, const Parts&>;
  const auto result = std::make_shared<std::optional<Result>>();
  run_work(settings,
           [result, work = std::move(work)](const Parts& parts) { result->emplace(work(parts)); });
  return std::move(**result);
}

// Once, when the module is loaded.
void prepare_jobs();

}  // namespace reluctance::python
