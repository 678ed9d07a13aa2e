// Checkpoints of a training.
#include "reluctance/train/checkpoint.hpp"

#include "fuzz/harness.hpp"
#include "fuzz/zip.hpp"
#include "train/stripes.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Network network = stripes_network();
  const auto path = fuzz_file("checkpoint.npz", with_right_checksums(as_text(data, size)));
  refusing([&] { load_checkpoint(path, network, fuzz_settings); });
  return 0;
}
