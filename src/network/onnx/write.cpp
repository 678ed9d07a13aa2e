// A network as an ONNX model.
#include <ATen/ATen.h>
#include <onnx/onnx_pb.h>

#include <map>
#include <type_traits>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance {
namespace {

constexpr int64_t opset = 13;
constexpr int64_t ir_version = 7;  // the one that came with opset 13

void set(onnx::AttributeProto& to, const Operator::Attribute& value) {
  std::visit(
      [&to](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, int64_t>) {
          to.set_type(onnx::AttributeProto::INT);
          to.set_i(held);
        } else if constexpr (std::is_same_v<Held, float>) {
          to.set_type(onnx::AttributeProto::FLOAT);
          to.set_f(held);
        } else {
          to.set_type(onnx::AttributeProto::INTS);
          to.mutable_ints()->Add(held.begin(), held.end());
        }
      },
      value);
}

void set(onnx::TensorProto& to, const std::string& name, const Tensor& tensor) {
  const bool integer = tensor.scalar_type() == at::kLong;
  const Tensor values = tensor.to(at::kCPU, integer ? at::kLong : at::kFloat).contiguous();
  to.set_name(name);
  to.set_data_type(integer ? onnx::TensorProto::INT64 : onnx::TensorProto::FLOAT);
  for (int64_t extent : values.sizes()) to.add_dims(extent);
  to.set_raw_data(values.data_ptr(), values.nbytes());
}

void set(onnx::ValueInfoProto& to, const std::string& name, const Shape& sample) {
  to.set_name(name);
  auto& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  for (int64_t extent : sample) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

// The last part of an operand's name: people choose parameters by it (parameters.hpp).
std::string operand_name(const std::string& type, std::size_t place) {
  const bool weighs = type == "Gemm" || type == "MatMul" || type == "Conv" ||
                      type == "ConvTranspose" || type == "BatchNormalization";
  if (weighs && place < 2) return place == 0 ? ".weight" : ".bias";
  return ".operand" + std::to_string(place);
}

// Appends operators one by one; each computes one value.
class Writer {
 public:
  explicit Writer(onnx::GraphProto& graph) : graph_(graph) {}

  // The name of the value that the operator computes from those of its inputs.
  std::string add(const Operator& op, const std::vector<std::string>& inputs) {
    auto& node = *graph_.add_node();
    node.set_op_type(op.type);
    node.set_name(op.type + "_" + std::to_string(graph_.node_size() - 1));
    for (const std::string& input : inputs) node.add_input(input);
    for (std::size_t i = 0; i < op.operands.size(); ++i) {
      // A tensor that several operators take is one in the file, too.
      const Tensor& operand = op.operands[i];
      const auto [known, first] =
          written_.emplace(operand.unsafeGetTensorImpl(), node.name() + operand_name(op.type, i));
      if (first) set(*graph_.add_initializer(), known->second, operand);
      if (first) kept_.push_back(operand);
      node.add_input(known->second);
    }
    for (const auto& [name, value] : op.attributes) {
      auto& attribute = *node.add_attribute();
      attribute.set_name(name);
      set(attribute, value);
    }
    return *node.add_output() = node.name() + ".output";
  }

 private:
  onnx::GraphProto& graph_;
  std::map<const void*, std::string> written_;  // names by the operand's identity
  Tensors kept_;                                // so that no identity is given twice
};

void add_nodes(const Network& network, onnx::GraphProto& graph) {
  Writer writer(graph);
  std::vector<std::string> names;  // of the output of each node
  std::string last = "input";
  for (const Node& node : network.nodes()) {
    std::vector<std::string> inputs;
    for (int from : node.inputs) {
      inputs.push_back(from == Network::input ? "input" : names[static_cast<std::size_t>(from)]);
    }
    for (const Operator& op : node.layer->operators(node.input_shapes, node.tensors)) {
      inputs = {writer.add(op, inputs)};
    }
    names.push_back(last = inputs[0]);
  }
  if (network.output_shape().size() != 1) {
    writer.add({"Reshape", {}, {at::tensor(Shape{-1, network.classes()}, at::kLong)}}, {last});
  } else if (network.nodes().empty()) {
    writer.add({"Identity", {}, {}}, {last});
  }
  graph.mutable_node()->rbegin()->set_output(0, "logits");
}

}  // namespace

void write_onnx(const Network& network, const std::filesystem::path& path) {
  onnx::ModelProto model;
  model.set_ir_version(ir_version);
  model.set_producer_name("reluctance");
  auto& operators = *model.add_opset_import();
  operators.set_domain("");
  operators.set_version(opset);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("network");
  set(*graph.add_input(), "input", network.input_shape());
  set(*graph.add_output(), "logits", {network.classes()});
  add_nodes(network, graph);
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    throw Error(path.string() + ": the network is larger than the 2 GiB that an ONNX file can hold",
                Error::Kind::job);
  }
  write_file(path, bytes);
}

}  // namespace reluctance
