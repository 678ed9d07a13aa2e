// A network with the data that it is asked about, and what goes into the record of the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "network.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/jobs/box.hpp"
#include "reluctance/jobs/claims.hpp"
#include "reluctance/network/parameters.hpp"

namespace reluctance::python {

struct Subject {
  LoadedNetwork subject;
  std::vector<NamedParameter> parameters;
  Tensor images, labels;   // as they were given
  double scale;            // what white is; 0: as the type says
  std::optional<Box> box;  // where they are no pixels
  double memory;           // GiB
  std::uint64_t seed;
  std::string command;

  // The domain of the box, or pixels.
  Domain domain() const;
  // The data as `network` takes it, checked; to be asked within a job. Throws Error where network
  // and data do not fit. What was converted is in its notes.
  Dataset data() const;
  RunInfo run() const;
  int64_t curvature_memory() const;  // bytes
};

// With "scale", "box", "memory", "seed" and "command" of the arguments.
Subject subject_of(const HeldNetwork& held, const Array& images, const Array& labels,
                   const Arguments& arguments);

}  // namespace reluctance::python
