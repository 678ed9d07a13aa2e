#include "graph.hpp"

#include <algorithm>
#include <queue>
#include <set>

#include "input.hpp"
#include "operators.hpp"

namespace reluctance::onnx_import {
namespace {

constexpr int oldest_opset = 6;
constexpr int most_nodes = 100000;
constexpr int most_outputs = 16;

std::string described(const onnx::NodeProto& node) {
  const bool named = !node.name().empty();
  if (!named && node.output_size() == 0) return "a node";
  return "node '" + (named ? node.name() : node.output(0)) + "'";
}

// Labels and other integers are no logits.
bool may_be_logits(const onnx::ValueInfoProto& output) {
  if (!output.type().has_tensor_type()) return true;
  const int type = output.type().tensor_type().elem_type();
  return type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE ||
         type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16 ||
         type == onnx::TensorProto::UNDEFINED;
}

}  // namespace

Graph::Graph(const onnx::ModelProto& model, const std::filesystem::path& folder)
    : graph_(model.graph()), reader_(folder) {
  for (const auto& set : model.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  }
  if (opset_ < oldest_opset) {
    throw Error((opset_ == 0 ? "names no opset" : "has opset " + std::to_string(opset_)) +
                "; export the model with opset " + std::to_string(oldest_opset) + " or later");
  }
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
  for (int node : nodes)
    read.insert(graph_.node(node).input().begin(), graph_.node(node).input().end());
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
      const auto found = values.find(name);
      if (found == values.end() && !name.empty())
        throw Error("reads '" + name + "', which nothing computes");
      inputs.push_back(name.empty() ? nullptr : &found->second);
      probabilities = probabilities || (!name.empty() && found->second.probabilities);
    }
    const Converter convert = find_converter(node, opset_);
    if (probabilities && !only_renames(node.op_type())) {
      throw Error(
          "reads the output of a Softmax inside the network, which is not piecewise linear; "
          "Reluctance explains ReLU networks");
    }
    std::vector<Value> outputs = convert(Call(node, inputs, opset_, reader_, build));
    for (Value& output : outputs) output.probabilities = output.probabilities || probabilities;
    return outputs;
  } catch (const NotPiecewiseLinear& error) {
    throw Error(described(node) + " " + error.what());
  } catch (const std::exception& error) {
    const std::string what = error.what();
    const bool names_type = what.starts_with(node.op_type() + ": ");
    throw Error(described(node) + ": " + (names_type ? "" : node.op_type() + ": ") + what);
  }
}

Graph::Attempt Graph::attempt(const onnx::ValueInfoProto& output) const {
  const std::vector<int> nodes = order(output.name());
  const onnx::ValueInfoProto& source = input(nodes, output.name());
  const Input sample = read_input(source, output);
  Builder build(sample.sample, sample.batch);
  std::unordered_map<std::string, Value> values;
  values[source.name()] = {{}, Network::input, sample.shape};
  const auto load = [&](const std::string& name) {
    const auto found = initialisers_.find(name);
    if (found != initialisers_.end() && !values.contains(name)) {
      values[name] = build.given(reader_.read(*found->second));
    }
  };
  for (int index : nodes) {
    const onnx::NodeProto& node = graph_.node(index);
    for (const std::string& name : node.input()) load(name);
    std::vector<Value> results = evaluate(node, build, values);
    const auto named = std::min(results.size(), static_cast<std::size_t>(node.output_size()));
    for (std::size_t i = 0; i < named; ++i) {
      values[node.output(static_cast<int>(i))] = std::move(results[i]);
    }
  }
  const auto found = values.find(output.name());
  if (found == values.end() || found->second.is_constant()) {
    throw Error("its output '" + output.name() + "' is not computed from its input");
  }
  const Value& logits = found->second;
  Attempt result{{build.finish(logits.node), {}}, false};
  const Network& network = result.imported.network;
  if (network.nodes().empty()) throw Error("its output '" + output.name() + "' is its input");
  if (network.classes() < 2) {
    throw Error("its output '" + output.name() +
                "' is one number; Reluctance needs a classifier with a logit for each class");
  }
  result.vector = std::count(logits.shape.begin(), logits.shape.end(), 1) + 1 >=
                  static_cast<std::ptrdiff_t>(logits.shape.size());
  if (logits.probabilities)
    result.imported.notes.emplace_back("dropped the final Softmax: attacks need logits");
  if (sample.batch > 1) {
    result.imported.notes.push_back("took the fixed batch of " + std::to_string(sample.batch) +
                                    " as any number of samples");
  }
  return result;
}

ImportedNetwork Graph::network() const {
  std::vector<const onnx::ValueInfoProto*> outputs;
  for (const auto& output : graph_.output()) {
    if (may_be_logits(output)) outputs.push_back(&output);
  }
  if (outputs.empty()) throw Error("has no output of floating-point numbers");
  if (outputs.size() == 1) return attempt(*outputs[0]).imported;
  if (outputs.size() > most_outputs)
    throw Error("has more than " + std::to_string(most_outputs) + " outputs");
  std::string first_reason;
  for (const auto* output : outputs) {
    try {
      Attempt result = attempt(*output);
      if (!result.vector) throw Error("its output '" + output->name() + "' is no vector of logits");
      result.imported.notes.push_back("took the logits from '" + output->name() + "', one of " +
                                      std::to_string(outputs.size()) + " outputs");
      return std::move(result.imported);
    } catch (const Error& error) {
      if (first_reason.empty()) first_reason = error.what();
    }
  }
  throw Error(first_reason);
}

}  // namespace reluctance::onnx_import
