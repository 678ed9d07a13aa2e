// IDX files, plain and gzipped.
#include "reluctance/data/idx.hpp"

#include "fuzz/harness.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("images", as_text(data, size));
  refusing([&] { read_idx(path); });
  return 0;
}
