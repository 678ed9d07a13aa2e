// What a function of Python was given beside the data, in the words and within the bounds of the
// command line.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job.hpp"
#include "reluctance/jobs/attacks.hpp"
#include "reluctance/jobs/box.hpp"

namespace reluctance::python {

// Keyword arguments; those that are None were left out before. All throw Error naming the argument.
class Arguments {
 public:
  explicit Arguments(py::dict values) : values_(std::move(values)) {}

  bool has(const char* name) const { return values_.contains(name); }
  double number(const char* name, double otherwise, double low = 1e-30, double high = 1e30) const;
  int64_t whole(const char* name, int64_t otherwise, int64_t low, int64_t high) const;
  bool flag(const char* name) const;  // false unless it is given and true
  std::uint64_t seed() const;
  std::string text(const char* name, const std::string& otherwise) const;  // as it is written
  std::string word(const char* name, const std::string& otherwise) const;  // in small letters

  std::vector<std::string> texts(const char* name) const;  // none unless given
  std::vector<int64_t> wholes(const char* name, int64_t low, int64_t high) const;

  py::object object(const char* name) const { return values_[name]; }

  // The attack that "attack", "norm", "eps" and so on spell.
  AttackOptions attack(AttackOptions otherwise) const;

  // "box": the text of --box, or a dict of arrays.
  std::optional<Box> box() const;

  // How it is run: "threads" and "progress".
  JobSettings settings() const;

 private:
  py::object listed(const char* name, const char* of) const;

  py::dict values_;
};

}  // namespace reluctance::python
