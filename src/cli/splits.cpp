#include "cli/splits.hpp"

#include <algorithm>

#include "cli/console.hpp"

namespace reluctance {

Dataset load_data(const CommonOptions& options, const std::string& default_split) {
  Dataset data = load_dataset(options.data, default_split, options.scale);
  for (const std::string& each : data.notes) note(data.name + ": " + each);
  return data;
}

Splits load_splits(const CommonOptions& options) {
  const Splits splits{load_data(options, "train"), load_data(options, "test")};
  return apart(splits) ? splits : divided(splits.training);
}

Splits divided(const Dataset& data) {
  const int64_t count = data.samples.count();
  const int64_t kept = std::max<int64_t>(1, count * 2 / 3);
  note(data.name + ": one set of images; findings keep the last " + std::to_string(count - kept) +
       " apart from their trainings");
  if (kept == count) return {data, data};
  Splits splits{head(data, kept), data};
  splits.held_out.samples = data.samples.slice(kept, count);
  return splits;
}

}  // namespace reluctance
