// The binary version of CIFAR-10.
#include "fuzz/harness.hpp"
#include "reluctance/data/dataset.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz_file("test_batch.bin", as_text(data, size));
  refusing([&] { load_dataset("cifar10:" + path.parent_path().string() + ":test", "test"); });
  return 0;
}
