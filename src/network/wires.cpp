#include "network/wires.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

std::vector<std::size_t> last_readers(const Network& network) {
  std::vector<std::size_t> last(network.nodes().size() + 1, 0);
  for (std::size_t i = 0; i < network.nodes().size(); ++i) {
    for (int from : network.nodes()[i].inputs) {
      last[from == Network::input ? network.nodes().size() : at_index(from)] = i;
    }
  }
  return last;
}

}  // namespace

Wires::Wires(const Network& network, Tensor input)
    : network_(network),
      last_reader_(last_readers(network)),
      values_(network.nodes().size()),
      input_(std::move(input)) {}

Tensors Wires::take(std::size_t node) {
  Tensors inputs;
  for (int from : network_.nodes()[node].inputs) {
    inputs.push_back(from == Network::input ? input_ : values_[at_index(from)]);
  }
  for (int from : network_.nodes()[node].inputs) {
    const bool is_input = from == Network::input;
    if (last_reader_[is_input ? values_.size() : at_index(from)] == node) {
      (is_input ? input_ : values_[at_index(from)]).reset();
    }
  }
  return inputs;
}

Tensor as_samples(const Tensor& x, const Shape& sample, const char* what) {
  Shape shape{x.dim() > 0 ? x.size(0) : 0};
  if (x.dim() == 0 || x.numel() != shape[0] * elements(sample)) {
    throw Error(std::string(what) + " of " + to_string(Shape(x.sizes().begin(), x.sizes().end())) +
                " does not fit samples of " + to_string(sample));
  }
  shape.insert(shape.end(), sample.begin(), sample.end());
  return x.reshape(shape);
}

Tensor as_logits(const Tensor& output) { return output.flatten(1); }

}  // namespace reluctance
