// One picture, PNG or JPEG.
#include "data/picture.hpp"
#include "fuzz/harness.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("picture", as_text(data, size));
  refusing([&] { read_picture(path); });
  return 0;
}
