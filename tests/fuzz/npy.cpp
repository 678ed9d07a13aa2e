// Arrays of files of their own.
#include "data/npy.hpp"

#include "fuzz/harness.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("array.npy", as_text(data, size));
  refusing([&] { read_npy(path); });
  return 0;
}
