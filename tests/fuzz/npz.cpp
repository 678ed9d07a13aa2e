// Archives of arrays: all of them, and the pair that is data.
#include "reluctance/data/npz.hpp"

#include "fuzz/harness.hpp"
#include "fuzz/zip.hpp"
#include "reluctance/data/dataset.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("data.npz", with_right_checksums(as_text(data, size)));
  refusing([&] { read_npz(path); });
  refusing([&] { load_dataset(path.string(), "test"); });
  return 0;
}
