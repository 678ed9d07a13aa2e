// CIFAR's "Python version".
#include "data/pickle.hpp"

#include "fuzz/harness.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("test_batch", as_text(data, size));
  refusing([&] { read_pickled_batch(path); });
  return 0;
}
