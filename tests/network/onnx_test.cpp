// Networks written and read back, and old spellings that no runtime here takes. Agreement with an
// independent runtime is in onnx_zoo_test.cpp.
#include "reluctance/network/onnx.hpp"

#include <onnx/checker.h>

#include "network/onnx_models.hpp"
#include "network/onnx_random.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/folding.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using Onnx = OnnxFile;

TEST_F(Onnx, WritingAndReadingGivesTheSameNetwork) {
  for (const auto& [name, network] : networks_and_stacks(at::kFloat)) {
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
  for (const auto& [name, network] : networks_and_stacks(at::kFloat)) {
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

TEST_F(Onnx, LayersHaveTheParametersThatTheFileHas) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "w", at::rand({3, 3}));
  add_tensor(model, "b", at::rand({3}));
  add_node(model, "MatMul", {"x", "w"});
  add_node(model, "Relu", {"y1"});
  add_node(model, "Gemm", {"y2", "w", "b"});
  add_node(model, "Relu", {"y3"});
  onnx::NodeProto& tall = add_node(model, "Unsqueeze", {"y4"});
  auto& axes = *tall.add_attribute();
  axes.set_name("axes");
  axes.add_ints(2);
  axes.add_ints(3);
  add_tensor(model, "k", at::rand({4, 3, 1, 1}));
  add_node(model, "Conv", {"y5", "k"});
  add_node(model, "Flatten", {"y6"});
  const Network network = imported(model).network;
  std::vector<Shape> shapes;
  for (const Tensor& each : network.parameters()) {
    shapes.emplace_back(each.sizes().begin(), each.sizes().end());
  }
  EXPECT_EQ(shapes, (std::vector<Shape>{{3, 3}, {3}, {4, 3, 1, 1}}));
  // Written, and read again, it is the same.
  const std::string bytes = written(network);
  const Network again = read_onnx(path()).network;
  EXPECT_EQ(again.parameter_count(), 9 + 3 + 12);
  EXPECT_EQ(written(again), bytes);
  const Tensor x = at::rand({5, 3});
  EXPECT_TRUE(at::equal(logits(network, x), logits(again, x)));
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  int weights = 0;
  for (const auto& each : proto.graph().initializer()) {
    weights += each.data_type() == onnx::TensorProto::FLOAT;
  }
  EXPECT_EQ(weights, 3);
}

// A normalisation between them would tear a weight that two layers share, were it worked in.
TEST_F(Onnx, AWeightThatTwoLayersShareStaysOne) {
  onnx::ModelProto model = model_of({1, 2, 3, 3});
  add_tensor(model, "w", at::rand({2, 2, 1, 1}));
  for (const std::string name : {"scale", "bias", "mean", "var"}) {
    add_tensor(model, name, at::rand({2}) + 0.5);
  }
  add_node(model, "Conv", {"x", "w"});
  add_node(model, "BatchNormalization", {"y1", "scale", "bias", "mean", "var"});
  add_node(model, "Relu", {"y2"});
  add_node(model, "Conv", {"y3", "w"});
  add_node(model, "Flatten", {"y4"});
  const Network network = imported(model).network;
  EXPECT_EQ(network.parameter_count(), 4 + 2 + 2);
  EXPECT_EQ(folded(network).parameter_count(), 4 + 2 + 2);
}

// Scale and shift of a normalisation are parameters as the file has them; its statistics are
// constants. Channels may be the second axis of a list, of sequences, images, volumes, or of rows
// that each have them.
TEST_F(Onnx, NormalisationIsTrainedInTheCoordinatesOfTheFile) {
  at::manual_seed(5);
  for (const Shape& shape : {Shape{1, 3}, Shape{1, 3, 4}, Shape{1, 3, 4, 2}, Shape{1, 3, 2, 4, 2},
                             Shape{4, 3}, Shape{2, 3, 5}}) {
    SCOPED_TRACE(to_string(shape));
    onnx::ModelProto model = model_of({1, elements(shape)});
    const Tensor sizes = at::tensor(shape, at::kLong);
    auto& axes = *model.mutable_graph()->add_initializer();
    axes.set_name("shape");
    axes.set_data_type(onnx::TensorProto::INT64);
    axes.add_dims(sizes.size(0));
    axes.set_raw_data(sizes.data_ptr(), sizes.nbytes());
    std::vector<Tensor> given;
    for (const std::string name : {"bn.weight", "bn.bias", "mean", "var"}) {
      given.push_back(at::rand({3}) + 0.5);
      add_tensor(model, name, given.back());
    }
    add_node(model, "Reshape", {"x", "shape"});
    add_node(model, "BatchNormalization", {"y1", "bn.weight", "bn.bias", "mean", "var"});
    add_node(model, "Relu", {"y2"});
    const ImportedNetwork read = imported(model);
    const Tensors parameters = read.network.parameters();
    ASSERT_EQ(parameters.size(), 2U);
    EXPECT_TRUE(at::equal(parameters[0], given[0]) && at::equal(parameters[1], given[1]));
    EXPECT_EQ(read.sources[0].name, "bn.weight");
    EXPECT_EQ(read.sources[1].name, "bn.bias");

    const Tensor x = at::randn({5, elements(shape)});
    Shape batch{5};
    batch.insert(batch.end(), shape.begin(), shape.end());
    Shape channels(batch.size(), 1);
    channels[2] = 3;
    const auto line_up = [&](const Tensor& each) { return each.view(channels); };
    const Tensor expected = ((x.view(batch) - line_up(given[2])) /
                                 (line_up(given[3]) + 1e-5).sqrt() * line_up(given[0]) +
                             line_up(given[1]))
                                .relu()
                                .flatten(1);
    EXPECT_TRUE(at::allclose(logits(read.network, x), expected, 1e-5, 1e-6));
    const std::string bytes = written(read.network);
    EXPECT_EQ(written(read_onnx(path()).network), bytes);
  }
}

TEST_F(Onnx, ParametersKnowTheTensorsOfTheFileTheyComeFrom) {
  const ImportedNetwork read = imported(mixed_model());
  std::vector<std::string> described;
  for (const ImportedNetwork::Source& each : read.sources) {
    described.push_back(each.name + (each.folded ? " folded" : "") +
                        (each.transposed ? " transposed" : ""));
  }
  EXPECT_EQ(described,
            (std::vector<std::string>{"stem.conv.weight", "scale", "shift", "matrix transposed",
                                      "bias", "stem2.weight", "stem2.bias"}));
}

TEST_F(Onnx, EveryParameterHasASource) {
  for (const auto& [name, network] : networks_and_stacks(at::kFloat)) {
    SCOPED_TRACE(name);
    written(network);
    const ImportedNetwork read = read_onnx(path());
    EXPECT_EQ(read.sources.size(), read.network.parameters().size());
    for (const ImportedNetwork::Source& each : read.sources) {
      EXPECT_FALSE(each.name.empty() || each.folded || each.transposed) << each.name;
    }
  }
}

TEST_F(Onnx, AModelInMemoryIsTheModelOfTheFile) {
  const Network network = make_network({});
  const std::string bytes = written(network);
  const Network read = read_onnx_bytes(bytes, "memory").network;
  const Tensor x = random_input(network, 3).to(at::kFloat);
  EXPECT_TRUE(at::equal(logits(read, x), logits(network, x)));
  for (const std::string& broken : {std::string(), bytes.substr(0, bytes.size() / 2)}) {
    try {
      read_onnx_bytes(broken, "memory");
      FAIL() << "half a model was read";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "memory: is not an ONNX model, or is incomplete");
    }
  }
}

TEST_F(Onnx, AModelInMemoryHasNoFolderForItsData) {
  onnx::ModelProto model = product();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.clear_raw_data();
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& location = *weight.add_external_data();
  location.set_key("location");
  location.set_value("weights.bin");
  try {
    read_onnx_bytes(model.SerializeAsString(), "memory");
    FAIL() << "data of a file was read";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("give the path of the model, not its bytes"),
              std::string::npos);
  }
}

TEST_F(Onnx, NormalisationInItsTrainingFormIsRefused) {
  onnx::ModelProto model = model_of({1, 2, 3, 3}, 9);
  for (const std::string name : {"scale", "bias", "mean", "var"}) {
    add_tensor(model, name, at::ones({2}));
  }
  onnx::NodeProto& node =
      add_node(model, "BatchNormalization", {"x", "scale", "bias", "mean", "var"});
  for (const std::string name : {"m", "v", "sm", "sv"}) node.add_output(name);
  EXPECT_NE(refusal(model).find("training form"), std::string::npos);
}

TEST_F(Onnx, ThereMayBeSeveralOutputsButOneMustBeMeant) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "w", at::rand({3, 4}));
  add_tensor(model, "v", at::rand({4, 2}));
  add_node(model, "MatMul", {"x", "w"});
  add_node(model, "Relu", {"y1"});
  add_node(model, "MatMul", {"y2", "v"});
  model.mutable_graph()->add_output()->set_name("y2");
  const std::string reason = refusal(model);
  for (const std::string words : {"'y3' (2 numbers)", "'y2' (4 numbers)", "--output"}) {
    EXPECT_NE(reason.find(words), std::string::npos) << reason;
  }
  save(path(), model.SerializeAsString());
  EXPECT_EQ(read_onnx(path(), {"y3"}).network.classes(), 2);
  EXPECT_EQ(read_onnx(path(), {"y2"}).network.classes(), 4);
  try {
    read_onnx(path(), {"y9"});
    ADD_FAILURE() << "there is no y9";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'y3' and 'y2'"), std::string::npos) << error.what();
  }
}

TEST_F(Onnx, BytesAsInputAreFedAsBytes) {
  onnx::ModelProto model = product(at::rand({3, 2}));
  auto& type = *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::UINT8);
  const ImportedNetwork bytes = imported(model);
  ASSERT_EQ(bytes.notes.size(), 1U);
  EXPECT_NE(bytes.notes[0].find("255"), std::string::npos);
  type.set_elem_type(onnx::TensorProto::FLOAT);
  const Tensor x = at::rand({4, 3});
  EXPECT_TRUE(at::allclose(logits(bytes.network, x), logits(imported(model).network, x * 255)));
  type.set_elem_type(onnx::TensorProto::INT32);
  EXPECT_NE(refusal(model).find("neither floating-point numbers nor bytes"), std::string::npos);
}

TEST_F(Onnx, OneRowTimesAStackOfMatrices) {
  const Tensor weight = at::rand({2, 5, 3});
  onnx::ModelProto model = model_of({5});
  add_tensor(model, "w", weight);
  add_node(model, "MatMul", {"x", "w"});
  const Tensor x = at::rand({4, 5});
  EXPECT_TRUE(at::allclose(logits(imported(model).network, x),
                           at::einsum("ni,kij->nkj", {x, weight}).flatten(1)));
}

TEST_F(Onnx, MaximaMinimaAndSumsOverAnyAxes) {
  const Tensor x = at::randn({4, 2, 3, 5});
  const auto reduced = [&](const std::string& type, const std::vector<int64_t>& axes, bool keep) {
    onnx::ModelProto model = model_of({1, 2, 3, 5});
    onnx::NodeProto& node = add_node(model, type, {"x"});
    set_attribute(node, "keepdims", keep);
    auto& named = *node.add_attribute();
    named.set_name("axes");
    for (const int64_t axis : axes) named.add_ints(axis);
    return logits(imported(model).network, x);
  };
  for (const std::vector<int64_t>& axes :
       {std::vector<int64_t>{1}, std::vector<int64_t>{2}, std::vector<int64_t>{1, 3}}) {
    EXPECT_TRUE(at::equal(reduced("ReduceMax", axes, true), x.amax(axes).flatten(1)));
    EXPECT_TRUE(at::equal(reduced("ReduceMin", axes, false), x.amin(axes).flatten(1)));
    EXPECT_TRUE(at::allclose(reduced("ReduceL1", axes, true), x.abs().sum(axes).flatten(1)));
  }
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
