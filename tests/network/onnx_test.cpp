// ONNX files written and read back, old spellings that no runtime here takes, and files that are
// broken or mean harm. Agreement with an independent runtime is in onnx_zoo_test.cpp.
#include "reluctance/network/onnx.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <random>

#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/passes.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t limit = 1 << 28;

class Onnx : public testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "network.onnx"; }

  std::string written(const Network& network) const {
    write_onnx(network, path());
    return read_file(path(), limit);
  }

  ImportedNetwork imported(const onnx::ModelProto& model) const {
    write_file(path(), model.SerializeAsString());
    return read_onnx(path());
  }

  // The message with which the model is refused, without the file's name.
  std::string refusal(const onnx::ModelProto& model) const {
    try {
      imported(model);
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(path().string() + ": ")) << what;
      return what.substr(path().string().size() + 2);
    }
    return "was not refused";
  }

  TemporaryFolder folder_;
};

void add_tensor(onnx::ModelProto& model, const std::string& name, const Tensor& values) {
  auto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t extent : values.sizes()) tensor.add_dims(extent);
  tensor.set_raw_data(values.contiguous().data_ptr(), values.nbytes());
}

onnx::NodeProto& add_node(onnx::ModelProto& model, const std::string& type,
                          const std::vector<std::string>& inputs) {
  auto& node = *model.mutable_graph()->add_node();
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output("y" + std::to_string(model.graph().node_size()));
  model.mutable_graph()->mutable_output(0)->set_name(node.output(0));
  return node;
}

void set_attribute(onnx::NodeProto& node, const std::string& name, int64_t value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_i(value);
}

// A model of one input x and no node yet; its output is what the last node computes.
onnx::ModelProto model_of(const Shape& input, int64_t opset = 13) {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(opset);
  auto& x = *model.mutable_graph()->add_input();
  x.set_name("x");
  auto& type = *x.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (int64_t extent : input) type.mutable_shape()->add_dim()->set_dim_value(extent);
  model.mutable_graph()->add_output();
  return model;
}

// x -> x W for a weight that a test can spoil.
onnx::ModelProto product(const Tensor& weight = at::ones({3, 2})) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "w", weight);
  add_node(model, "MatMul", {"x", "w"});
  return model;
}

TEST_F(Onnx, WritingAndReadingGivesTheSameNetwork) {
  for (const auto& [name, in_double] : networks_in_double()) {
    SCOPED_TRACE(name);
    const Network network = in_double.to(at::kFloat);
    const std::string bytes = written(network);
    const ImportedNetwork again = read_onnx(path());
    EXPECT_TRUE(again.notes.empty());
    EXPECT_EQ(summary(again.network), summary(network));
    EXPECT_EQ(again.network.input_shape(), network.input_shape());
    EXPECT_TRUE(written(again.network) == bytes);
    const Tensor x = random_input(network, 5).to(at::kFloat);
    EXPECT_TRUE(at::equal(logits(again.network, x), logits(network, x)));
    const Tensors parameters = network.parameters(), read = again.network.parameters();
    ASSERT_EQ(read.size(), parameters.size());
    for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(at::equal(read[i], parameters[i]));
  }
}

TEST_F(Onnx, WhatIsWrittenPassesTheCheckerOfOnnx) {
  for (const auto& [name, network] : networks_in_double()) {
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

TEST_F(Onnx, DataMustFitItsShape) {
  onnx::ModelProto model = product();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.set_dims(0, 4);
  EXPECT_EQ(refusal(model), "tensor 'w' has 24 bytes of data, but 4 x 2 takes 32");
  weight.set_dims(0, -3);
  EXPECT_NE(refusal(model).find("negative"), std::string::npos);
  weight.set_dims(0, int64_t{1} << 62);
  EXPECT_NE(refusal(model).find("elements"), std::string::npos);
  weight.set_dims(0, 3);
  weight.clear_raw_data();
  EXPECT_EQ(refusal(model), "tensor 'w' has 0 values for 6 elements");
  weight.set_data_type(onnx::TensorProto::STRING);
  EXPECT_NE(refusal(model).find("element type 8"), std::string::npos);
}

TEST_F(Onnx, WeightsMustBeFinite) {
  const Tensor weight = at::ones({3, 2});
  weight[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal(product(weight)), "node 'y1': MatMul: its weights are not finite numbers");
}

TEST_F(Onnx, ExternalDataStaysInTheFolder) {
  onnx::ModelProto model = product();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  const std::string data = weight.raw_data();
  weight.clear_raw_data();
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& location = *weight.add_external_data();
  location.set_key("location");
  const TemporaryFolder elsewhere;
  write_file(elsewhere.path() / "secret", data);
  fs::create_symlink(elsewhere.path() / "secret", folder_.path() / "link");
  fs::create_directory(folder_.path() / "weights");
  for (const std::string place :
       {(elsewhere.path() / "secret").string(),
        "../" + elsewhere.path().filename().string() + "/secret", std::string("weights/../link"),
        std::string("link"), std::string("missing"), std::string("weights"), std::string()}) {
    location.set_value(place);
    EXPECT_NE(refusal(model).find("'" + place + "'"), std::string::npos);
  }
  location.set_value("weights/data.bin");
  write_file(folder_.path() / "weights" / "data.bin", "12345678" + data);
  EXPECT_NE(refusal(model).find("takes 24 bytes"), std::string::npos) << "starts at the offset 0";
  auto& offset = *weight.add_external_data();
  offset.set_key("offset");
  for (const char* start : {"9", "-1", "8x", "18446744073709551615"}) {
    offset.set_value(start);
    EXPECT_NE(refusal(model), "was not refused") << start;
  }
  offset.set_value("8");
  EXPECT_TRUE(at::equal(logits(imported(model).network, at::ones({1, 3})), at::full({1, 2}, 3.0f)));
}

TEST_F(Onnx, ConstantsCannotGrowWithoutEnd) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "v0", at::ones({1000}));
  const Tensor pair = at::tensor({1000.0f, 1.0f});
  for (int i = 0; i < 4; ++i) {  // each sum of a column and a row is a thousand times larger
    auto& shape = *model.mutable_graph()->add_node();
    shape.set_op_type("Unsqueeze");
    shape.add_input("v" + std::to_string(i));
    shape.add_output("u" + std::to_string(i));
    shape.add_attribute()->set_name("axes");
    shape.mutable_attribute(0)->add_ints(i + 1);
    auto& sum = *model.mutable_graph()->add_node();
    sum.set_op_type("Add");
    sum.add_input("u" + std::to_string(i));
    sum.add_input("v0");
    sum.add_output("v" + std::to_string(i + 1));
  }
  add_node(model, "Add", {"x", "v4"});
  EXPECT_NE(refusal(model).find("too many"), std::string::npos);
}

TEST_F(Onnx, FilesThatAreNoModelsAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("not a model"), std::string(1000, '\xff')}) {
    write_file(path(), bytes);
    EXPECT_THROW(read_onnx(path()), Error);
  }
  EXPECT_THROW(read_onnx(folder_.path() / "missing.onnx"), Error);
  EXPECT_THROW(read_onnx(folder_.path()), Error);
}

// Reads bytes that may mean anything; what matters is that nothing but an Error comes of it.
void read_anything(const fs::path& path, const std::string& bytes) {
  write_file(path, bytes);
  try {
    read_onnx(path);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

// Every layer, and a few operators that the writer does not use.
std::vector<std::string> small_models() {
  const TemporaryFolder folder;
  write_onnx(every_layer(), folder.path() / "layers");
  onnx::ModelProto model = model_of({4, 2, 3}, 11);
  model.mutable_graph()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->add_dim()
      ->set_dim_value(4);
  add_node(model, "Shape", {"x"});
  add_tensor(model, "i", at::zeros({1}));
  model.mutable_graph()->mutable_initializer(0)->set_data_type(onnx::TensorProto::INT32);
  add_node(model, "Gather", {"y1", "i"});
  add_tensor(model, "m", at::full({1}, -1));
  auto& rest = *model.mutable_graph()->mutable_initializer(1);
  rest.set_data_type(onnx::TensorProto::INT64);
  rest.clear_raw_data();
  rest.add_int64_data(-1);
  set_attribute(add_node(model, "Concat", {"y2", "m"}), "axis", 0);
  add_node(model, "Reshape", {"x", "y3"});
  add_tensor(model, "w", at::ones({6, 4}));
  add_node(model, "MatMul", {"y4", "w"});
  add_node(model, "Clip", {"y5"}).add_attribute()->set_name("max");
  model.mutable_graph()->mutable_node(5)->mutable_attribute(0)->set_f(2.0f);
  set_attribute(add_node(model, "Split", {"y6"}), "axis", 1);
  model.mutable_graph()->mutable_node(6)->add_output("other");
  add_node(model, "Max", {"y7", "other"});
  set_attribute(add_node(model, "Softmax", {"y8"}), "axis", 1);
  return {read_file(folder.path() / "layers", limit), model.SerializeAsString()};
}

TEST_F(Onnx, TruncatedFilesDoNoHarm) {
  for (const std::string& bytes : small_models()) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      read_anything(path(), bytes.substr(0, length));
    }
  }
}

TEST_F(Onnx, FlippedBitsDoNoHarm) {
  std::mt19937 generator(7);
  for (const std::string& bytes : small_models()) {
    for (int i = 0; i < 3000; ++i) {
      std::string broken = bytes;
      for (unsigned flips = 1 + generator() % 3; flips > 0; --flips) {
        broken[generator() % broken.size()] ^= static_cast<char>(1U << (generator() % 8));
      }
      read_anything(path(), broken);
    }
  }
}

}  // namespace
}  // namespace reluctance
