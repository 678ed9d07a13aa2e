#include "operations.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "clock.hpp"

namespace reluctance::benchmarks {
namespace {

double layer_operations(const Node& node) {
  const Tensor& weight = node.tensors[0];
  // Every output value is one scalar product with one row of the weights.
  return 2.0 * static_cast<double>(elements(node.shape)) *
         static_cast<double>(weight.numel() / weight.size(0));
}

double measured_peak(c10::ScalarType dtype) {
  constexpr int64_t n = 2048;
  const Tensor a = at::rand({n, n}, dtype);
  const Tensor b = at::rand({n, n}, dtype);
  Tensor c = at::mm(a, b);
  double best = 0;
  for (int run = 0; run < 40; ++run) {
    const double begin = now();
    at::mm_out(c, a, b);
    best = std::max(best, 2.0 * n * n * n / (now() - begin));
  }
  return best;
}

}  // namespace

double forward_operations(const Network& network) {
  double sum = 0;
  for (const Node& node : network.nodes()) {
    if (node.trainable) sum += layer_operations(node);
  }
  return sum;
}

double first_layer_operations(const Network& network) {
  const auto first = std::find_if(network.nodes().begin(), network.nodes().end(),
                                  [](const Node& node) { return node.trainable; });
  return layer_operations(*first);
}

double peak(c10::ScalarType dtype) {
  static const double float32 = measured_peak(at::kFloat);
  static const double float64 = measured_peak(at::kDouble);
  return dtype == at::kFloat ? float32 : float64;
}

double seconds_at_peak(const Operations& operations) {
  return operations.float32 / peak(at::kFloat) + operations.float64 / peak(at::kDouble);
}

}  // namespace reluctance::benchmarks
