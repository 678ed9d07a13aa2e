// ONNX models: read, and asked about one image.
#include <ATen/ATen.h>

#include "fuzz/harness.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/network/passes.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int64_t largest_sample = 64 << 20;  // bytes; larger ones take seconds
  const auto path = fuzz_file("network.onnx", as_text(data, size));
  refusing([&] {
    const Network network = read_onnx(path).network;
    if (bytes_of_sample(network) > largest_sample) return;
    logits(network, at::full({1, network.inputs()}, 0.5));
  });
  return 0;
}
