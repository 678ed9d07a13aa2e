// diagnosis.jsonl, the lines of a training that was watched: read, and taken into the results.
#include "reluctance/claims/diagnosis.hpp"

#include <string>

#include "fuzz/harness.hpp"
#include "report/watched_results.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string lines(as_text(data, size));
  refusing([&] { watched_steps(lines); });
  refusing([&] { results_json(watched_results(lines)); });
  return 0;
}
