#include "cli/splits.hpp"

#include <algorithm>

#include "cli/console.hpp"

namespace reluctance {

Splits load_splits(const std::string& spec) {
  const Splits splits{load_dataset(spec, "train"), load_dataset(spec, "test")};
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
