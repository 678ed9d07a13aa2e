// The extension module reluctance._core: the library's doors for the package of Python beside it.
#include <pybind11/pybind11.h>
#include <torch/version.h>

#include <exception>
#include <new>
#include <regex>
#include <string>

#include "arrays.hpp"
#include "job.hpp"
#include "jobs/record.hpp"
#include "measurements.hpp"
#include "network.hpp"
#include "operators.hpp"
#include "reluctance/base/error.hpp"
#include "training.hpp"
#include "watch.hpp"

namespace reluctance::python {
namespace {

// Options as Python spells them: "--step-size 0.1" is step_size=0.1.
std::string in_python_words(const std::string& message) {
  static const std::regex option("--([a-z]+)(?:-([a-z]+))?( (?=[0-9]))?");
  std::string text;
  auto rest = message.cbegin();
  for (std::sregex_iterator match(message.begin(), message.end(), option), end; match != end;
       ++match) {
    text.append(rest, (*match)[0].first);
    text += (*match)[1].str();
    if ((*match)[2].matched) text += "_" + (*match)[2].str();
    if ((*match)[3].matched) text += "=";
    rest = (*match)[0].second;
  }
  return text.append(rest, message.cend());
}

void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    PyErr_SetString(error.kind() == Error::Kind::input ? PyExc_ValueError : PyExc_RuntimeError,
                    in_python_words(error.what()).c_str());
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  } catch (const py::builtin_exception&) {
    throw;  // pybind11's own
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "use fewer images, or a smaller network");
  } catch (const std::exception& error) {
    if (says_out_of_memory(error.what())) {
      PyErr_SetString(PyExc_MemoryError, "use fewer images, or a smaller network");
    } else {
      PyErr_SetString(PyExc_RuntimeError, first_line(error.what()).c_str());
    }
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  py::register_exception_translator(translate);
  prepare_jobs();
  module.attr("program") = program_name();
  module.attr("torch_version") =
      std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR);
  bind_arrays(module);
  bind_network(module);
  bind_measurements(module);
  bind_operators(module);
  bind_training(module);
  bind_watch(module);
}

}  // namespace reluctance::python
