#include "cli/splits.hpp"

#include "cli/console.hpp"
#include "reluctance/base/processes.hpp"

namespace reluctance {

Dataset load_data(const CommonOptions& options, const std::string& default_split) {
  ProgressBars bars;
  const Reading how{options.scale, options.box.empty(), bars.parts()("reading " + options.data)};
  Dataset data = load_dataset(options.data, default_split, how);
  for (const std::string& each : data.notes) note(data.name + ": " + each);
  if (divides()) require_agreement(data.name, checksum(data));
  return data;
}

Splits load_splits(const CommonOptions& options) {
  const Splits splits{load_data(options, "train"), load_data(options, "test")};
  return apart(splits) ? splits : divided_aloud(splits.training);
}

Splits divided_aloud(const Dataset& data) {
  Splits splits = divided(data);
  note(data.name + ": " + splits.training.notes.back());
  return splits;
}

}  // namespace reluctance
