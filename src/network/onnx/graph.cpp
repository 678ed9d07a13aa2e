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
#include "shapes.hpp"

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

// Labels and other integers are none, unless there is nothing else.
bool holds_numbers(const onnx::ValueInfoProto& output) {
  return !output.type().has_tensor_type() || is_floating(output);
}

// Whether a node may read a value at whose end operators were left out.
bool may_follow(const std::string& type, const Value& value) {
  const bool chooses = type == "ArgMax" || type == "ArgMin";
  return only_renames(type) || (chooses && !value.is_label());
}

// Whether a node may read a comparison of activations.
bool takes_gates(const std::string& type) {
  return type == "Cast" || type == "Identity" || type == "Mul" || type == "Not" || type == "Where";
}

// Two logits for one number z, 0 and z: the class is 1 where z is positive.
Value paired(const Value& z, Builder& build) {
  return build.added(pad_layer({1}, {0}, 0.0), {build.view(z, {1})}, {2});
}

// One number answers by its sign. After these it has none that says anything, and where its answer
// changes is not known.
void require_sign(const onnx::NodeProto& last, const Value& answer) {
  static const std::set<std::string> unsigned_ends{"Abs",        "Clip", "HardSigmoid",
                                                   "LogSoftmax", "Relu", "Softmax"};
  std::vector<std::string> ends = answer.dropped;
  ends.push_back(last.op_type());
  for (const std::string& type : ends) {
    if (!unsigned_ends.contains(type)) continue;
    throw Error("its output is one number after " + with_article(type) +
                ", whose sign says nothing; export the number that goes into it, positive for "
                "the class 1");
  }
}

// What was made of the answer that the file gives.
std::vector<std::string> answer_notes(const Value& answer, bool one_number, bool least) {
  std::vector<std::string> notes;
  if (!answer.dropped.empty()) {
    notes.push_back("dropped the final " + listed(answer.dropped, "and") + ": attacks need logits");
  }
  const bool negated = least || (answer.is_label() && answer.dropped.back() == "ArgMin");
  if (negated && !one_number) {
    notes.emplace_back("the least of its numbers is the answer: the logits are the negated ones");
  }
  if (one_number) {
    notes.push_back(std::string("its output is one number z: the class is 1 where z is ") +
                    (negated ? "negative" : "positive") + ", with the logits 0 and " +
                    (negated ? "-z" : "z"));
  }
  return notes;
}

}  // namespace

Graph::Graph(const onnx::ModelProto& model, const std::optional<std::filesystem::path>& folder)
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
    const Value* ended = nullptr;  // an input at whose end operators were left out
    bool gates = false;            // whether an input is a comparison
    for (const std::string& name : node.input()) {
      inputs.push_back(nullptr);  // left out
      if (name.empty()) continue;
      const auto found = values.find(name);
      if (found == values.end()) throw Error("reads '" + name + "', which nothing computes");
      inputs.back() = &found->second;
      if (found->second.is_constant()) build.read(found->second.constant.numel());
      if (!found->second.dropped.empty()) ended = &found->second;
      gates = gates || found->second.gate;
    }
    const Converter convert = find_converter(node, opset_);
    if (ended && !may_follow(node.op_type(), *ended)) {
      throw NotPiecewiseLinear("fed by " + with_article(ended->dropped.back()) +
                               " inside the network");
    }
    if (gates && !takes_gates(node.op_type())) {
      throw NotPiecewiseLinear("fed by a comparison of activations");
    }
    // The shapes of a label are not those of the logits that stand for it.
    if (ended && ended->is_label() && ended == inputs[0]) return {*ended};
    std::vector<Value> outputs = convert(Call(node, inputs, opset_, reader_, build));
    for (Value& output : outputs) {
      if (ended && output.dropped.empty()) output.dropped = ended->dropped;
    }
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
    // What has no remedy of its own is no sound model.
    const bool has_remedy = what.find("; ") != what.npos;
    throw Error(described(node) + ": " + (names_type ? "" : node.op_type() + ": ") + what +
                (has_remedy ? "" : "; check the file with onnx.checker, and export it again"));
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
      values[name] = build.given(reader_.read(*found->second), name);
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
  if (found->second.gate) {
    throw Error("its output '" + output +
                "' is a comparison; export the model with the number that is compared");
  }
  return found->second;
}

Graph::Attempt Graph::attempt(const onnx::ValueInfoProto& output, bool least) const {
  const std::vector<int> nodes = order(output.name());
  const onnx::ValueInfoProto& source = input(nodes, output.name());
  const Input sample = read_input(source, output);
  Builder build(sample.sample, sample.batch);
  const Value answer = compute(output.name(), nodes, source, sample.shape, build);
  const bool fits = sample.outputs == 0 || count(answer.shape) == sample.outputs;
  if (!fits && !answer.is_label()) throw MixesBatch(sample.batch);
  if (least && answer.is_label()) {
    throw Error("chooses its answer by " + with_article(answer.dropped.back()) +
                "; leave --answer out");
  }
  const bool one_number = count(answer.shape) == 1;
  if (one_number) require_sign(graph_.node(nodes.back()), answer);
  Value logits = least ? build.scaled(answer, -1) : answer;
  if (one_number) logits = paired(logits, build);
  auto [network, sources] = build.finish(logits.node);
  if (network.nodes().empty()) throw Error("its output '" + output.name() + "' is its input");
  std::vector<std::string> notes = answer_notes(answer, one_number, least);
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
  const bool is_vector = std::count_if(answer.shape.begin(), answer.shape.end(),
                                       [](int64_t extent) { return extent != 1; }) == 1;
  return {{std::move(network), std::move(notes), std::move(sources)}, is_vector};
}

std::vector<const onnx::ValueInfoProto*> Graph::candidates(const std::string& wanted) const {
  std::vector<const onnx::ValueInfoProto*> all, numbers;
  std::vector<std::string> names;
  for (const auto& output : graph_.output()) {
    names.push_back("'" + output.name() + "'");
    if (!wanted.empty() && output.name() != wanted) continue;
    all.push_back(&output);
    if (holds_numbers(output)) numbers.push_back(&output);
  }
  if (names.empty()) throw Error("has no output");
  if (all.empty()) {
    throw Error("has no output '" + wanted + "'; it has " + listed(names, "and"));
  }
  return numbers.empty() ? all : numbers;
}

ImportedNetwork Graph::network(const Answer& answer) const {
  const auto outputs = candidates(answer.output);
  if (outputs.size() == 1) return attempt(*outputs[0], answer.least).imported;
  if (outputs.size() > most_outputs) {
    throw Error("has more than " + std::to_string(most_outputs) +
                " outputs; name the one that holds the logits with --output");
  }
  std::string first_reason;
  std::optional<ImportedNetwork> only;
  std::vector<std::string> names;
  for (const auto* output : outputs) {
    try {
      auto [imported, is_vector] = attempt(*output, answer.least);
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
