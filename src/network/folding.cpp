#include "reluctance/network/folding.hpp"

#include <ATen/ATen.h>

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "network/wires.hpp"

namespace reluctance {
namespace {

bool is(const Node& node, std::string_view name) { return node.layer->name() == name; }

// y = scale * x + shift for each channel: C numbers each, float64.
struct Line {
  Tensor scale, shift;
};

// The constant as one number for each of the channels, the first axis of `sample`; undefined if it
// differs within one.
Tensor by_channel(const Tensor& constant, const Shape& sample) {
  const auto rank = static_cast<int64_t>(sample.size());
  const bool reaches = constant.dim() == rank && rank > 0;
  if (constant.numel() != 1 && (!reaches || constant.numel() != constant.size(0))) return {};
  return constant.to(at::kDouble).reshape({-1}).expand({sample[0]});
}

// What the node does to the channels of its input; nothing if it does anything else.
std::optional<Line> line_of(const Node& node) {
  if (!is(node, "Mul") && !is(node, "BatchNormalization")) return std::nullopt;
  const bool by_name = is(node, "BatchNormalization");  // its tensors are of C numbers
  const Shape channels = by_name ? Shape{node.shape[0]} : node.shape;
  const Line line{by_channel(node.tensors[0], channels), by_channel(node.tensors[1], channels)};
  if (!line.scale.defined() || !line.shift.defined()) return std::nullopt;
  return line;
}

// Conv or Gemm and then the line. The weight's first axis is the output's channels.
Tensors with(const Tensors& tensors, const Line& line) {
  Shape rows(static_cast<std::size_t>(tensors[0].dim()), 1);
  rows[0] = -1;
  const auto type = tensors[0].scalar_type();
  const Tensor bias = tensors.size() > 1 ? tensors[1].to(at::kDouble) * line.scale : at::Tensor();
  return {(tensors[0].to(at::kDouble) * line.scale.view(rows)).to(type),
          (bias.defined() ? bias + line.shift : line.shift).to(type)};
}

}  // namespace

Network folded(const Network& network) {
  const auto& nodes = network.nodes();
  std::vector<int> readers(nodes.size(), 0);
  std::map<std::size_t, int> holders;  // of each parameter
  for (const Node& node : nodes) {
    for (const int from : node.inputs) {
      if (from != Network::input) ++readers[at_index(from)];
    }
    for (const std::size_t place : node.places) ++holders[place];
  }
  const auto takes_lines = [&](int i) {
    if (i == Network::input || readers[at_index(i)] != 1) return false;
    const Node& node = nodes[at_index(i)];
    for (const std::size_t place : node.places) {
      if (holders[place] > 1) return false;
    }
    return is(node, "Conv") || is(node, "Gemm");
  };
  // Several lines after one layer become one before they touch its weight.
  std::vector<int> into(nodes.size(), Network::input);  // the layer that a line goes into
  std::map<int, Line> lines;                            // by that layer
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {  // the last one stays the output
    const int from = nodes[i].inputs.at(0);
    if (from == Network::input) continue;
    const bool follows = into[at_index(from)] != Network::input && readers[at_index(from)] == 1;
    const int layer = follows ? into[at_index(from)] : from;
    if (!follows && !takes_lines(from)) continue;
    const std::optional<Line> line = line_of(nodes[i]);
    if (!line) continue;
    into[i] = layer;
    const auto [known, first] = lines.emplace(layer, *line);
    if (first) continue;
    known->second = {known->second.scale * line->scale,
                     known->second.shift * line->scale + line->shift};
  }
  Network result(network.input_shape());
  std::vector<int> place(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (into[i] != Network::input) {
      place[i] = place[at_index(into[i])];
      continue;
    }
    std::vector<int> inputs = nodes[i].inputs;
    for (int& from : inputs) {
      if (from != Network::input) from = place[at_index(from)];
    }
    const auto line = lines.find(static_cast<int>(i));
    const Tensors tensors =
        line == lines.end() ? nodes[i].tensors : with(nodes[i].tensors, line->second);
    place[i] = result.add(nodes[i].layer, inputs, tensors, nodes[i].trainable);
  }
  return result;
}

}  // namespace reluctance
