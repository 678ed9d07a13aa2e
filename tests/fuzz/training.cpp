// training.json, which says how a network was trained.
#include "cli/training_record.hpp"
#include "fuzz/harness.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("training.json", as_text(data, size));
  refusing([&] { training_info(read_training(path.parent_path())); });
  return 0;
}
