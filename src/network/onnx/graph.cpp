#include "graph.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <queue>
#include <set>
#include <string_view>

#include "input.hpp"
#include "operators.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance::onnx_import {
namespace {

constexpr int most_nodes = 100000;
constexpr int most_outputs = 16;

std::string described(const onnx::NodeProto& node) {
  const bool named = !node.name().empty();
  if (!named && node.output_size() == 0) return "a node";
  return "node '" + (named ? node.name() : node.output(0)) + "'";
}

// Whether the network first brings the last axis of its input, the channels, to the front.
bool takes_channels_last(const Network& network) {
  const Shape& x = network.input_shape();
  return std::any_of(network.nodes().begin(), network.nodes().end(), [&](const Node& node) {
    return node.inputs[0] == Network::input &&
           std::string_view(node.layer->name()) == "Transpose" && x.size() == 3 &&
           node.shape == Shape{x[2], x[0], x[1]};
  });
}

// Labels and other integers are no logits.
bool may_be_logits(const onnx::ValueInfoProto& output) {
  return !output.type().has_tensor_type() || is_floating(output);
}

}  // namespace

Graph::Graph(const onnx::ModelProto& model, const std::filesystem::path& folder)
    : graph_(model.graph()), reader_(folder) {
  for (const auto& set : model.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  }
  if (opset_ < 1) throw Error("names no opset; export the model with opset 13");
  if (graph_.node_size() > most_nodes) {
    throw Error("has " + std::to_string(graph_.node_size()) + " nodes, more than " +
                std::to_string(most_nodes));
  }
  for (const auto& tensor : graph_.initializer()) initialisers_.emplace(tensor.name(), &tensor);
  for (int i = 0; i < graph_.node_size(); ++i) {
    for (const std::string& name : graph_.node(i).output()) {
      if (!name.empty() && !producers_.emplace(name, i).second) {
        throw Error("has two nodes that compute '" + name + "'");
      }
    }
  }
}

std::vector<int> Graph::order(const std::string& output) const {
  std::set<int> needed;
  std::vector<std::string> wanted{output};
  while (!wanted.empty()) {
    const auto producer = producers_.find(wanted.back());
    wanted.pop_back();
    if (producer == producers_.end() || !needed.insert(producer->second).second) continue;
    const auto& inputs = graph_.node(producer->second).input();
    wanted.insert(wanted.end(), inputs.begin(), inputs.end());
  }
  std::unordered_map<int, int> missing;  // inputs that are still to be computed
  std::unordered_map<int, std::vector<int>> readers;
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int node : needed) {
    for (const std::string& name : graph_.node(node).input()) {
      const auto producer = producers_.find(name);
      if (producer == producers_.end()) continue;
      ++missing[node];
      readers[producer->second].push_back(node);
    }
    if (missing[node] == 0) ready.push(node);
  }
  std::vector<int> sorted;
  while (!ready.empty()) {
    sorted.push_back(ready.top());
    ready.pop();
    for (int reader : readers[sorted.back()]) {
      if (--missing[reader] == 0) ready.push(reader);
    }
  }
  if (sorted.size() < needed.size()) throw Error("has nodes that wait for each other in a circle");
  return sorted;
}

const onnx::ValueInfoProto& Graph::input(const std::vector<int>& nodes,
                                         const std::string& output) const {
  std::set<std::string> read{output};
  for (int node : nodes) {
    const auto& inputs = graph_.node(node).input();
    read.insert(inputs.begin(), inputs.end());
  }
  std::vector<const onnx::ValueInfoProto*> found;
  for (const auto& candidate : graph_.input()) {
    if (read.contains(candidate.name()) && !initialisers_.contains(candidate.name())) {
      found.push_back(&candidate);
    }
  }
  if (found.empty()) throw Error("its output does not depend on an input");
  if (found.size() > 1) {
    throw Error("has the inputs '" + found[0]->name() + "' and '" + found[1]->name() +
                "'; Reluctance explains networks of one input");
  }
  return *found[0];
}

std::vector<Value> Graph::evaluate(const onnx::NodeProto& node, Builder& build,
                                   const std::unordered_map<std::string, Value>& values) const {
  try {
    std::vector<const Value*> inputs;
    bool probabilities = false;
    for (const std::string& name : node.input()) {
      inputs.push_back(nullptr);  // left out
      if (name.empty()) continue;
      const auto found = values.find(name);
      if (found == values.end()) throw Error("reads '" + name + "', which nothing computes");
      inputs.back() = &found->second;
      if (found->second.is_constant()) build.read(found->second.constant.numel());
      probabilities = probabilities || found->second.probabilities;
    }
    const Converter convert = find_converter(node, opset_);
    if (probabilities && !only_renames(node.op_type())) {
      throw NotPiecewiseLinear("fed by a Softmax inside the network");
    }
    std::vector<Value> outputs = convert(Call(node, inputs, opset_, reader_, build));
    for (Value& output : outputs) output.probabilities = output.probabilities || probabilities;
    return outputs;
  } catch (const NotPiecewiseLinear& error) {
    throw Error(described(node) + " " + error.what());
  } catch (const std::exception& error) {  // LibTorch's go on with a backtrace
    std::string what = error.what();
    if (says_out_of_memory(what) || dynamic_cast<const std::bad_alloc*>(&error)) {
      throw std::bad_alloc();
    }
    what.resize(std::min(what.find('\n'), what.size()));
    const bool names_type = what.starts_with(node.op_type() + ": ");
    throw Error(described(node) + ": " + (names_type ? "" : node.op_type() + ": ") + what);
  }
}

Value Graph::compute(const std::string& output, const std::vector<int>& nodes,
                     const onnx::ValueInfoProto& input, const Shape& input_shape,
                     Builder& build) const {
  std::unordered_map<std::string, Value> values;
  const Value pixels{{}, Network::input, input_shape};
  values[input.name()] = is_byte(input) ? build.scaled(pixels, 255) : pixels;
  for (int index : nodes) {
    const onnx::NodeProto& node = graph_.node(index);
    for (const std::string& name : node.input()) {
      const auto found = initialisers_.find(name);
      if (found == initialisers_.end() || values.contains(name)) continue;
      values[name] = build.given(reader_.read(*found->second));
    }
    std::vector<Value> results = evaluate(node, build, values);
    const auto named = std::min(results.size(), static_cast<std::size_t>(node.output_size()));
    for (std::size_t i = 0; i < named; ++i) {
      values[node.output(static_cast<int>(i))] = std::move(results[i]);
    }
  }
  const auto found = values.find(output);
  if (found == values.end() || found->second.is_constant()) {
    throw Error("its output '" + output + "' is not computed from its input");
  }
  return found->second;
}

Graph::Attempt Graph::attempt(const onnx::ValueInfoProto& output) const {
  const std::vector<int> nodes = order(output.name());
  const onnx::ValueInfoProto& source = input(nodes, output.name());
  const Input sample = read_input(source, output);
  Builder build(sample.sample, sample.batch);
  const Value logits = compute(output.name(), nodes, source, sample.shape, build);
  Network network = build.finish(logits.node);
  if (network.nodes().empty()) throw Error("its output '" + output.name() + "' is its input");
  if (network.classes() < 2) {
    throw Error("its output '" + output.name() +
                "' is one number; Reluctance needs a classifier with a logit for each class");
  }
  std::vector<std::string> notes;
  if (logits.probabilities) {
    notes.emplace_back("dropped the final Softmax: attacks need logits");
  }
  if (is_byte(source)) {
    notes.emplace_back("takes pixels as whole numbers to 255: images in [0, 1] are multiplied");
  }
  if (takes_channels_last(network)) {
    notes.emplace_back("takes images as height x width x channels");
  }
  if (sample.batch > 1) {
    notes.push_back("took the fixed batch of " + std::to_string(sample.batch) +
                    " as any number of samples");
  }
  const bool is_vector = std::count_if(logits.shape.begin(), logits.shape.end(),
                                       [](int64_t extent) { return extent != 1; }) == 1;
  return {{std::move(network), std::move(notes)}, is_vector};
}

ImportedNetwork Graph::network(const std::string& wanted) const {
  std::vector<const onnx::ValueInfoProto*> outputs;
  for (const auto& output : graph_.output()) {
    if (wanted.empty() ? may_be_logits(output) : output.name() == wanted)
      outputs.push_back(&output);
  }
  if (outputs.empty() && !wanted.empty()) {
    std::vector<std::string> names;
    for (const auto& output : graph_.output()) names.push_back("'" + output.name() + "'");
    throw Error("has no output '" + wanted + "'; it has " + listed(names, "and"));
  }
  if (outputs.empty()) throw Error("has no output of floating-point numbers");
  if (outputs.size() == 1) return attempt(*outputs[0]).imported;
  if (outputs.size() > most_outputs) {
    throw Error("has more than " + std::to_string(most_outputs) +
                " outputs; name the one that holds the logits with --output");
  }
  std::string first_reason;
  std::optional<ImportedNetwork> only;
  std::vector<std::string> names;
  for (const auto* output : outputs) {
    try {
      auto [imported, is_vector] = attempt(*output);
      if (!is_vector) throw Error("its output '" + output->name() + "' is no vector of logits");
      imported.notes.push_back("took the output '" + output->name() + "', one of " +
                               std::to_string(outputs.size()) + " outputs");
      names.push_back("'" + output->name() + "' (" + std::to_string(imported.network.classes()) +
                      " numbers)");
      only = std::move(imported);
    } catch (const Error& error) {
      if (first_reason.empty()) first_reason = error.what();
    }
  }
  if (names.empty()) throw Error(first_reason);
  if (names.size() > 1) {
    throw Error("each of its outputs " + listed(names, "and") +
                " could hold the logits; name the one that does with --output");
  }
  return std::move(*only);
}

}  // namespace reluctance::onnx_import
