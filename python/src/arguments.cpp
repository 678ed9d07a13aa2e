#include "arguments.hpp"

#include <array>
#include <cctype>
#include <limits>
#include <sstream>
#include <utility>

#include "arrays.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance::python {
namespace {

std::string shown(const py::handle& value) { return py::repr(value).cast<std::string>(); }

std::string range(double low, double high) {
  std::ostringstream text;
  text << low << " to " << high;
  return text.str();
}

int64_t whole_of(const char* name, const py::handle& value, int64_t low, int64_t high) {
  const bool is_whole = PyIndex_Check(value.ptr()) != 0 && !PyBool_Check(value.ptr());
  const auto number = is_whole ? PyNumber_AsSsize_t(value.ptr(), nullptr) : low - 1;
  if (!is_whole || number < low || number > high) {
    throw Error(std::string("--") + name + ": " + shown(value) + " is not a whole number from " +
                std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

}  // namespace

double Arguments::number(const char* name, double otherwise, double low, double high) const {
  if (!has(name)) return otherwise;
  const py::object value = values_[name];
  const double number = py::isinstance<py::str>(value) ? -1 : PyFloat_AsDouble(value.ptr());
  const bool is_number = !py::isinstance<py::str>(value) && PyErr_Occurred() == nullptr;
  PyErr_Clear();
  if (!is_number || !(number >= low && number <= high)) {
    throw Error(std::string("--") + name + ": " + shown(value) + " is not a number from " +
                range(low, high));
  }
  return number;
}

int64_t Arguments::whole(const char* name, int64_t otherwise, int64_t low, int64_t high) const {
  return has(name) ? whole_of(name, values_[name], low, high) : otherwise;
}

std::vector<int64_t> Arguments::wholes(const char* name, int64_t low, int64_t high) const {
  std::vector<int64_t> numbers;
  if (!has(name)) return numbers;
  for (const py::handle& each : listed(name, "numbers")) {
    numbers.push_back(whole_of(name, each, low, high));
  }
  return numbers;
}

bool Arguments::flag(const char* name) const {
  return has(name) && py::object(values_[name]).cast<bool>();
}

std::uint64_t Arguments::seed() const {
  if (!has("seed")) return 0;
  const py::object value = values_["seed"];
  std::uint64_t seed = 0;
  bool fits = PyIndex_Check(value.ptr()) != 0 && !PyBool_Check(value.ptr());
  if (fits) {
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    seed = PyLong_AsUnsignedLongLong(number.ptr());
    fits = PyErr_Occurred() == nullptr;
    PyErr_Clear();
  }
  if (fits) return seed;
  throw Error("--seed: " + shown(value) + " is not a whole number from 0 to " +
              std::to_string(std::numeric_limits<std::uint64_t>::max()));
}

std::string Arguments::text(const char* name, const std::string& otherwise) const {
  if (!has(name)) return otherwise;
  const py::object value = values_[name];
  if (!py::isinstance<py::str>(value)) {
    throw Error(std::string("--") + name + ": " + shown(value) + " is not a word");
  }
  return value.cast<std::string>();
}

py::object Arguments::listed(const char* name, const char* of) const {
  const py::object value = values_[name];
  if (py::isinstance<py::str>(value) || !py::isinstance<py::iterable>(value)) {
    throw Error(std::string("--") + name + ": " + shown(value) + " is not a list of " + of);
  }
  return value;
}

std::vector<std::string> Arguments::texts(const char* name) const {
  std::vector<std::string> texts;
  if (!has(name)) return texts;
  for (const py::handle& each : listed(name, "words")) {
    if (!py::isinstance<py::str>(each)) {
      throw Error(std::string("--") + name + ": " + shown(each) + " is not a word");
    }
    texts.push_back(each.cast<std::string>());
  }
  return texts;
}

std::string Arguments::word(const char* name, const std::string& otherwise) const {
  std::string word = text(name, otherwise);
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

AttackOptions Arguments::attack(AttackOptions otherwise) const {
  AttackOptions options = std::move(otherwise);
  options.attack = word("attack", options.attack);
  options.norm = word("norm", options.norm);
  options.epsilon = number("eps", usual_epsilon(options.norm, options.epsilon));
  options.steps = whole("steps", options.steps, 1, 1000000);
  options.step_size = number("step_size", options.step_size);
  options.restarts = whole("restarts", options.restarts, 1, 10000);
  options.beta = number("beta", options.beta);
  options.loss = word("loss", options.loss);
  if (has("target")) options.target = whole("target", 0, 0, 1000000);
  constexpr std::array<std::pair<const char*, const char*>, 8> spelled{
      {{"norm", "--norm"},
       {"eps", "--eps"},
       {"steps", "--steps"},
       {"step_size", "--step-size"},
       {"restarts", "--restarts"},
       {"beta", "--beta"},
       {"loss", "--loss"},
       {"target", "--target"}}};
  for (const auto& [name, option] : spelled) {
    if (has(name)) options.given.emplace_back(option);
  }
  return options;
}

std::optional<Box> Arguments::box() const {
  if (!has("box")) return {};
  const py::object value = values_["box"];
  if (py::isinstance<py::str>(value)) return read_box(value.cast<std::string>());
  NamedTensors arrays;
  for (const auto& [name, array] : value.cast<py::dict>()) {
    arrays.emplace_back(name.cast<std::string>(), array.cast<const Array&>().tensor);
  }
  return make_box("box", arrays);
}

JobSettings Arguments::settings() const {
  JobSettings settings;
  settings.threads = static_cast<int>(whole("threads", 0, 0, 1024));
  if (has("progress")) settings.progress = values_["progress"];
  return settings;
}

}  // namespace reluctance::python
