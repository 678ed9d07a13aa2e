// Networks written and read back, and old spellings that no runtime here takes. Agreement with an
// independent runtime is in onnx_zoo_test.cpp.
#include "reluctance/network/onnx.hpp"

#include <onnx/checker.h>

#include "network/onnx_models.hpp"
#include "network/onnx_random.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using Onnx = OnnxFile;

std::vector<NamedNetwork> networks() {
  std::vector<NamedNetwork> list = networks_in_double();
  for (auto& [name, network] : list) network = network.to(at::kFloat);
  for (unsigned seed = 0; seed < 40; ++seed) {
    list.push_back({"stack " + std::to_string(seed), random_stack(seed)});
  }
  return list;
}

TEST_F(Onnx, WritingAndReadingGivesTheSameNetwork) {
  for (const auto& [name, network] : networks()) {
    SCOPED_TRACE(name);
    const std::string bytes = written(network);
    const Network again = read_onnx(path()).network;
    EXPECT_EQ(summary(again), summary(network));
    EXPECT_EQ(again.input_shape(), network.input_shape());
    EXPECT_TRUE(written(again) == bytes);
    const Tensor x = random_input(network, 5).to(at::kFloat);
    EXPECT_TRUE(at::equal(logits(again, x), logits(network, x)));
    const Tensors parameters = network.parameters(), read = again.parameters();
    ASSERT_EQ(read.size(), parameters.size());
    for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(at::equal(read[i], parameters[i]));
  }
}

TEST_F(Onnx, WhatIsWrittenPassesTheCheckerOfOnnx) {
  for (const auto& [name, network] : networks()) {
    SCOPED_TRACE(name);
    onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(written(network)));
    EXPECT_NO_THROW(onnx::checker::check_model(model));
    EXPECT_EQ(model.opset_import(0).version(), 13);
    EXPECT_LE(model.ir_version(), 8);
    EXPECT_EQ(model.graph().input(0).name(), "input");
    EXPECT_EQ(model.graph().output(0).name(), "logits");
  }
}

TEST_F(Onnx, AFullDiskIsTheJobsFault) {
  try {
    write_onnx(make_network({}), "/dev/full/network.onnx");
    FAIL() << "a file below a device was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
  }
}

TEST_F(Onnx, NodesDoNotShareTheTensorsThatTheFileShares) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "w", at::rand({3, 3}));
  add_node(model, "MatMul", {"x", "w"});
  add_node(model, "Relu", {"y1"});
  add_node(model, "MatMul", {"y2", "w"});
  const Tensors parameters = imported(model).network.parameters();
  ASSERT_EQ(parameters.size(), 4U);
  EXPECT_NE(parameters[0].data_ptr(), parameters[2].data_ptr());
}

TEST_F(Onnx, NotesTellWhatDiffersFromTheFile) {
  EXPECT_TRUE(imported(product()).notes.empty());
  onnx::ModelProto model = model_of({1, 4, 5, 3});
  auto& order = *add_node(model, "Transpose", {"x"}).add_attribute();
  order.set_name("perm");
  for (int64_t axis : {0, 3, 1, 2}) order.add_ints(axis);
  add_node(model, "Flatten", {"y1"});
  add_node(model, "Softmax", {"y2"});
  const std::vector<std::string> expected{"dropped the final Softmax: attacks need logits",
                                          "takes images as height x width x channels"};
  EXPECT_EQ(imported(model).notes, expected);
}

TEST_F(Onnx, LabelsAndMapsOfClassifiersAreLeftOut) {
  onnx::ModelProto model = product();
  add_node(model, "Softmax", {"y1"});
  add_node(model, "ArgMax", {"y2"});
  add_node(model, "ZipMap", {"y2"}).set_domain("ai.onnx.ml");
  auto& label = *model.mutable_graph()->mutable_output(0);
  label.set_name("y3");
  label.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT64);
  model.mutable_graph()->add_output()->set_name("y4");
  EXPECT_TRUE(at::equal(logits(imported(model).network, at::ones({1, 3})), at::full({1, 2}, 3.0f)));
}

TEST_F(Onnx, BeforeOpset7OperandsAreLinedUpByAxis) {
  onnx::ModelProto model = model_of({1, 2, 3, 3}, 6);
  const Tensor bias = at::tensor({1.0f, -2.0f});
  add_tensor(model, "b", bias);
  onnx::NodeProto& node = add_node(model, "Add", {"x", "b"});
  set_attribute(node, "broadcast", 1);
  set_attribute(node, "axis", 1);
  const Tensor x = at::rand({4, 2, 3, 3});
  const Tensor expected = (x + bias.view({2, 1, 1})).flatten(1);
  EXPECT_TRUE(at::equal(logits(imported(model).network, x), expected));
}

TEST_F(Onnx, BeforeOpset7SlopesBelongToChannels) {
  onnx::ModelProto model = model_of({1, 2, 3, 3}, 6);
  const Tensor slopes = at::tensor({0.5f, -1.0f});
  add_tensor(model, "slopes", slopes);
  add_node(model, "PRelu", {"x", "slopes"});
  const Tensor x = at::randn({4, 2, 3, 3});
  const Tensor expected = at::where(x > 0, x, x * slopes.view({2, 1, 1})).flatten(1);
  EXPECT_TRUE(at::allclose(logits(imported(model).network, x), expected));
}

TEST_F(Onnx, BeforeOpset10SlicesAndPadsAreAttributes) {
  onnx::ModelProto model = model_of({1, 5}, 6);
  onnx::NodeProto& slice = add_node(model, "Slice", {"x"});
  for (const auto& [name, value] : {std::pair("starts", 1), {"ends", 4}, {"axes", 1}}) {
    auto& attribute = *slice.add_attribute();
    attribute.set_name(name);
    attribute.add_ints(value);
  }
  onnx::NodeProto& pad = add_node(model, "Pad", {"y1"});
  pad.add_attribute()->set_name("pads");
  for (int64_t width : {0, 2, 0, 0}) pad.mutable_attribute(0)->add_ints(width);
  const Tensor x = at::rand({4, 5});
  EXPECT_TRUE(
      at::equal(logits(imported(model).network, x), at::constant_pad_nd(x.slice(1, 1, 4), {2, 0})));
}

}  // namespace
}  // namespace reluctance
