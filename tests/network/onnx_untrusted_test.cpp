// ONNX files that are broken or mean harm.
#include <limits>
#include <random>

#include "network/onnx_models.hpp"
#include "network/random_networks.hpp"
#include "reluctance/network/folding.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using UntrustedOnnx = OnnxFile;

TEST_F(UntrustedOnnx, DataMustFitItsShape) {
  onnx::ModelProto model = product();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.set_dims(0, 4);
  EXPECT_EQ(refusal(model), "tensor 'w': has 24 bytes of data, but 4 x 2 takes 32");
  weight.set_dims(0, -3);
  EXPECT_NE(refusal(model).find("negative"), std::string::npos);
  weight.set_dims(0, int64_t{1} << 62);
  EXPECT_NE(refusal(model).find("elements"), std::string::npos);
  weight.set_dims(0, 3);
  weight.clear_raw_data();
  EXPECT_EQ(refusal(model), "tensor 'w': has 0 values for 6 elements");
  weight.set_data_type(onnx::TensorProto::STRING);
  EXPECT_NE(refusal(model).find("element type 8"), std::string::npos);
}

TEST_F(UntrustedOnnx, WeightsMustBeFinite) {
  const Tensor weight = at::ones({3, 2});
  weight[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(
      refusal(product(weight)).find("node 'y1': MatMul: its weights are not finite numbers; "),
      std::string::npos);
}

TEST_F(UntrustedOnnx, ExternalDataStaysInTheFolder) {
  onnx::ModelProto model = product();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  const std::string data = weight.raw_data();
  weight.clear_raw_data();
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& location = *weight.add_external_data();
  location.set_key("location");
  const TemporaryFolder elsewhere;
  save(elsewhere.path() / "secret", data);
  fs::create_symlink(elsewhere.path() / "secret", folder_.path() / "link");
  fs::create_directory(folder_.path() / "weights");
  for (const std::string& place :
       {(elsewhere.path() / "secret").string(),
        "../" + elsewhere.path().filename().string() + "/secret", std::string("weights/../link"),
        std::string("link"), std::string("missing"), std::string("weights"), std::string()}) {
    location.set_value(place);
    EXPECT_NE(refusal(model).find("'" + place + "'"), std::string::npos);
  }
  location.set_value("weights/data.bin");
  save(folder_.path() / "weights" / "data.bin", "12345678" + data);
  auto& length = *weight.add_external_data();
  length.set_key("length");
  length.set_value("23");
  EXPECT_NE(refusal(model).find("takes 24 bytes"), std::string::npos);
  length.set_value("24");
  auto& offset = *weight.add_external_data();
  offset.set_key("offset");
  for (const char* start : {"9", "-1", "8x", "18446744073709551615"}) {
    offset.set_value(start);
    EXPECT_NE(refusal(model), "was not refused") << start;
  }
  offset.set_value("8");
  EXPECT_TRUE(at::equal(logits(imported(model).network, at::ones({1, 3})), at::full({1, 2}, 3.0f)));
}

TEST_F(UntrustedOnnx, ConstantsCannotGrowWithoutEnd) {
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
  EXPECT_NE(refusal(model).find("too many for its file"), std::string::npos);
}

TEST_F(UntrustedOnnx, OneWeightCannotFillTheMemory) {
  onnx::ModelProto model = model_of({1, 300});
  add_tensor(model, "w", at::zeros({300, 300}));
  add_node(model, "MatMul", {"x", "w"});
  for (int i = 1; i < 2000; ++i) add_node(model, "MatMul", {"y" + std::to_string(i), "w"});
  EXPECT_NE(refusal(model).find("too many for its file"), std::string::npos);
}

TEST_F(UntrustedOnnx, GroupsMayBeAnyNumber) {
  onnx::ModelProto model = model_of({1, 4, 3, 3});
  add_tensor(model, "w", at::ones({2, 4, 1, 1}));
  set_attribute(add_node(model, "Conv", {"x", "w"}), "group", std::numeric_limits<int64_t>::max());
  EXPECT_NE(refusal(model).find("does not fit"), std::string::npos);
}

// Adds a constant of ones that is computed where the file is read; its name.
std::string add_ones(onnx::ModelProto& model, const Shape& shape,
                     onnx::TensorProto::DataType type = onnx::TensorProto::FLOAT) {
  auto& extents = *model.mutable_graph()->add_initializer();
  extents.set_name("extents" + std::to_string(model.graph().initializer_size()));
  extents.set_data_type(onnx::TensorProto::INT64);
  extents.add_dims(static_cast<int64_t>(shape.size()));
  for (int64_t extent : shape) extents.add_int64_data(extent);
  onnx::NodeProto& node = add_node(model, "ConstantOfShape", {extents.name()});
  auto& attribute = *node.add_attribute();
  attribute.set_name("value");
  auto& value = *attribute.mutable_t();
  value.set_data_type(type);
  value.add_dims(1);
  if (type == onnx::TensorProto::INT64) {
    value.add_int64_data(1);
  } else {
    value.add_float_data(1);
  }
  return node.output(0);
}

// Files of few bytes that would be read for minutes.
TEST_F(UntrustedOnnx, ConstantsAreNotComputedWithForEver) {
  onnx::ModelProto products = model_of({1, 64});
  const std::string wide = add_ones(products, {64, 60000}, onnx::TensorProto::INT64);
  const std::string tall = add_node(products, "Transpose", {wide}).output(0);
  std::string sum = add_node(products, "MatMul", {wide, tall}).output(0);
  for (int i = 0; i < 10; ++i) {
    const std::string again = add_node(products, "MatMul", {wide, tall}).output(0);
    sum = add_node(products, "Add", {sum, again}).output(0);
  }
  add_node(products, "MatMul", {"x", sum});
  EXPECT_NE(refusal(products).find("MatMul: computes too much"), std::string::npos);

  onnx::ModelProto sums = model_of({1, 64});
  const std::string many = add_ones(sums, {10000000});
  std::string last = "x";
  for (int i = 0; i < 50; ++i) {
    last = add_node(sums, "Add", {last, add_node(sums, "ReduceSum", {many}).output(0)}).output(0);
  }
  EXPECT_NE(refusal(sums).find("ReduceSum: computes too much"), std::string::npos);
}

TEST_F(UntrustedOnnx, StatisticsCannotFillTheMemory) {
  constexpr int64_t channels = 2000000;
  onnx::ModelProto model = model_of({1, channels, 1, 1});
  const std::string one = add_ones(model, {channels});
  add_node(model, "BatchNormalization", {"x", one, one, one, one});
  EXPECT_NE(refusal(model).find("BatchNormalization: needs 16000000 more"), std::string::npos);
}

// They are layers of their own, and one weight takes them all in one go.
TEST_F(UntrustedOnnx, OneWeightIsNotNormalisedForEver) {
  constexpr int64_t channels = 2000000;
  constexpr int normalisations = 80;
  onnx::ModelProto model = model_of({1, channels, 1, 1});
  const std::string weight = add_ones(model, {2, channels, 1, 1});
  add_tensor(model, "one", at::ones({2}));
  std::string last = add_node(model, "Conv", {"x", weight}).output(0);
  for (int i = 0; i < normalisations; ++i) {
    last = add_node(model, "BatchNormalization", {last, "one", "one", "one", "one"}).output(0);
  }
  const Network network = imported(model).network;
  EXPECT_EQ(network.nodes().size(), 1 + 2 * normalisations);
  EXPECT_EQ(network.parameter_count(), 2 * channels + 2);  // "one" is one parameter
  EXPECT_EQ(folded(network).nodes().size(), 2U);
}

TEST_F(UntrustedOnnx, InputsHaveBoundedExtents) {
  for (int64_t extent : {std::numeric_limits<int64_t>::max(), int64_t{1} << 40}) {
    onnx::ModelProto model = model_of({1, 2, extent, 3});
    add_node(model, "GlobalMaxPool", {"x"});
    EXPECT_NE(refusal(model).find("elements"), std::string::npos);
  }
}

TEST_F(UntrustedOnnx, TensorsHaveFewAxes) {
  onnx::ModelProto model = product(at::ones({3, 2}));
  for (int i = 0; i < 100; ++i) model.mutable_graph()->mutable_initializer(0)->add_dims(1);
  EXPECT_NE(refusal(model).find("axes"), std::string::npos);
}

// A small file cannot make much of another one by naming it again and again.
TEST_F(UntrustedOnnx, BytesOfAnotherFileCountOnce) {
  save(folder_.path() / "weights.bin", std::string(4 << 20, '\0'));  // 1024 x 1024
  onnx::ModelProto model = model_of({1, 1024});
  std::string last = "x";
  for (int i = 0; i < 100; ++i) {
    const std::string name = "w" + std::to_string(i);
    auto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(1024);
    tensor.add_dims(1024);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& location = *tensor.add_external_data();
    location.set_key("location");
    location.set_value("weights.bin");
    last = add_node(model, "MatMul", {last, name}).output(0);
  }
  EXPECT_NE(refusal(model).find("too many for its file"), std::string::npos);
}

TEST_F(UntrustedOnnx, EmptyConstantsDivideNothing) {
  for (const auto& [type, shape] : std::vector<std::pair<std::string, Shape>>{
           {"GlobalMaxPool", {1, 0, 3}}, {"ReduceMax", {0}}, {"MaxPool", {1, 0, 3}}}) {
    onnx::ModelProto model = model_of({1, 3});
    add_tensor(model, "c", at::zeros(shape));
    onnx::NodeProto& node = add_node(model, type, {"c"});
    auto& kernel = *node.add_attribute();
    kernel.set_name("kernel_shape");
    kernel.add_ints(1);
    add_node(model, "Add", {"x", "y1"});
    EXPECT_NE(refusal(model).find("constants alone"), std::string::npos);
  }
  onnx::ModelProto model = model_of({1, 3});
  auto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name("c");
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : {int64_t{0}, int64_t{1} << 40, int64_t{1} << 40}) {
    tensor.add_dims(extent);
  }
  add_node(model, "ReduceMax", {"c"});
  add_node(model, "Add", {"x", "y1"});
  EXPECT_NE(refusal(model).find("elements"), std::string::npos);
}

TEST_F(UntrustedOnnx, NamesCannotCommandATerminal) {
  onnx::ModelProto model = product();
  model.mutable_graph()->mutable_node(0)->set_name("a\nb\x1b[2J");
  model.mutable_graph()->mutable_node(0)->set_op_type("Tanh");
  EXPECT_TRUE(
      refusal(model).starts_with("node 'a?b?[2J' is a Tanh, which is not piecewise linear"));
}

TEST_F(UntrustedOnnx, FilesThatAreNoModelsAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("not a model"), std::string(1000, '\xff')}) {
    save(path(), bytes);
    EXPECT_THROW(read_onnx(path()), Error);
  }
  EXPECT_THROW(read_onnx(folder_.path() / "missing.onnx"), Error);
  EXPECT_THROW(read_onnx(folder_.path()), Error);
}

// Reads bytes that may mean anything; what matters is that nothing but an Error comes of it.
void read_anything(const fs::path& path, const std::string& bytes) {
  save(path, bytes);
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
  return {read_file(folder.path() / "layers", file_limit), model.SerializeAsString()};
}

TEST_F(UntrustedOnnx, TruncatedFilesDoNoHarm) {
  for (const std::string& bytes : small_models()) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      read_anything(path(), bytes.substr(0, length));
    }
  }
}

TEST_F(UntrustedOnnx, FlippedBitsDoNoHarm) {
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
