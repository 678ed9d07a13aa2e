// How a file says its answer: one number, the least, a label, the end of a batch. That the numbers
// agree with an independent runtime is in onnx_zoo_test.cpp.
#include "network/onnx_models.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using OnnxAnswer = OnnxFile;
using Notes = std::vector<std::string>;

const Tensor& weight() {
  static const Tensor values = at::tensor({0.5f, -1.0f, 2.0f, 0.25f, 1.0f, -3.0f}).view({3, 2});
  return values;
}

const Tensor& column() {
  static const Tensor values = at::tensor({0.5f, -1.0f, 2.0f}).view({3, 1});
  return values;
}

TEST_F(OnnxAnswer, OneNumberIsTheSecondOfTwoLogits) {
  const Tensor x = at::randn({5, 3});
  const Tensor z = at::mm(x, column());
  const Tensor zero = at::zeros_like(z);
  onnx::ModelProto model = product(column());
  ImportedNetwork read = imported(model);
  EXPECT_EQ(read.notes,
            Notes{"its output is one number z: the class is 1 where z is positive, with "
                  "the logits 0 and z"});
  EXPECT_EQ(read.network.classes(), 2);
  EXPECT_EQ(read.network.parameter_count(), 3);
  EXPECT_TRUE(at::allclose(logits(read.network, x), at::cat({zero, z}, 1)));

  read = imported(model, {"", true});
  EXPECT_EQ(read.notes,
            Notes{"its output is one number z: the class is 1 where z is negative, with "
                  "the logits 0 and -z"});
  EXPECT_TRUE(at::allclose(logits(read.network, x), at::cat({zero, -z}, 1)));

  add_node(model, "Sigmoid", {"y1"});
  read = imported(model);
  EXPECT_EQ(
      read.notes,
      (Notes{"dropped the final Sigmoid: attacks need logits",
             "its output is one number z: the class is 1 where z is positive, with the logits "
             "0 and z"}));
  EXPECT_TRUE(at::allclose(logits(read.network, x), at::cat({zero, z}, 1)));

  // Written and read again, it is a network of two outputs.
  const std::string bytes = written(read.network);
  read = read_onnx(path());
  EXPECT_TRUE(read.notes.empty());
  EXPECT_TRUE(at::allclose(logits(read.network, x), at::cat({zero, z}, 1)));
  EXPECT_EQ(written(read.network), bytes);
}

TEST_F(OnnxAnswer, OneNumberThatHasNoSignIsRefused) {
  for (const char* end : {"HardSigmoid", "Relu", "Abs", "Softmax", "Clip"}) {
    onnx::ModelProto model = product(column());
    add_node(model, end, {"y1"});
    EXPECT_NE(refusal(model).find("one number after"), std::string::npos) << end;
  }
}

TEST_F(OnnxAnswer, TheLeastMayWin) {
  const Tensor x = at::randn({5, 3});
  const Tensor negated = -at::mm(x, weight());
  const Notes least{"the least of its numbers is the answer: the logits are the negated ones"};
  onnx::ModelProto model = product(weight());
  ImportedNetwork read = imported(model, {"", true});
  EXPECT_EQ(read.notes, least);
  EXPECT_TRUE(at::allclose(logits(read.network, x), negated));

  set_attribute(add_node(model, "ArgMin", {"y1"}), "axis", 1);
  read = imported(model);
  EXPECT_EQ(read.notes, (Notes{"dropped the final ArgMin: attacks need logits", least[0]}));
  EXPECT_TRUE(at::allclose(logits(read.network, x), negated));
  EXPECT_EQ(refusal(model, {"", true}), "chooses its answer by an ArgMin; leave --answer out");
}

TEST_F(OnnxAnswer, LabelsAloneStandForTheirLogits) {
  onnx::ModelProto model = product(weight());
  add_node(model, "Softmax", {"y1"});
  onnx::NodeProto& label = add_node(model, "ArgMax", {"y2"});
  set_attribute(label, "axis", -1);
  set_attribute(label, "keepdims", 0);
  set_attribute(add_node(model, "Cast", {"y3"}), "to", onnx::TensorProto::INT32);
  declare_output(model, {1}, onnx::TensorProto::INT32);
  const ImportedNetwork read = imported(model);
  EXPECT_EQ(read.notes, Notes{"dropped the final Softmax and ArgMax: attacks need logits"});
  const Tensor x = at::randn({5, 3});
  EXPECT_TRUE(at::allclose(logits(read.network, x), at::mm(x, weight())));
  // What computes with a label, or takes one for numbers, is refused.
  onnx::ModelProto other = model;
  add_node(other, "ArgMax", {"y4"});
  EXPECT_NE(refusal(other).find("fed by an ArgMax inside"), std::string::npos);
  other = model;
  add_node(other, "Reshape", {"x", "y4"});
  EXPECT_NE(refusal(other).find("must be a constant"), std::string::npos);
  other = product(column());
  set_attribute(add_node(other, "ArgMax", {"y1"}), "axis", 1);
  EXPECT_NE(refusal(other).find("chooses among one number"), std::string::npos);
}

// One number beside other outputs is a value as often as an answer: it must be named.
TEST_F(OnnxAnswer, OneNumberAmongOutputsIsTakenByName) {
  onnx::ModelProto model = product(weight());
  add_tensor(model, "v", at::ones({2, 1}));
  add_node(model, "MatMul", {"y1", "v"});
  model.mutable_graph()->add_output()->set_name("y1");
  EXPECT_TRUE(at::allclose(logits(imported(model).network, at::ones({1, 3})),
                           at::mm(at::ones({1, 3}), weight())));
  const Tensor z = at::mm(at::ones({1, 3}), weight()).sum(1, true);
  EXPECT_TRUE(at::allclose(logits(imported(model, {"y2"}).network, at::ones({1, 3})),
                           at::cat({at::zeros({1, 1}), z}, 1)));
}

// A model for two samples at once, x + shift and then a product.
onnx::ModelProto pair_of_samples(const Tensor& shift) {
  onnx::ModelProto model = model_of({2, 3});
  add_tensor(model, "c", shift);
  add_tensor(model, "w", weight());
  add_node(model, "Add", {"x", "c"});
  add_node(model, "MatMul", {"y1", "w"});
  declare_output(model, {2, 2});
  return model;
}

TEST_F(OnnxAnswer, AFixedBatchIsNeverMixed) {
  const Tensor shift = at::randn({1, 3}), x = at::randn({4, 3});
  EXPECT_TRUE(at::allclose(logits(imported(pair_of_samples(shift)).network, x),
                           at::mm(x + shift, weight())));
  const std::string mixes = "mixes the samples of its fixed batch of 2";
  const std::string remedy = "export the model for a batch of 1";
  const auto expect_mixed = [&](const onnx::ModelProto& model) {
    const std::string reason = refusal(model);
    EXPECT_NE(reason.find(mixes), std::string::npos) << reason;
    EXPECT_NE(reason.find(remedy), std::string::npos) << reason;
  };
  expect_mixed(pair_of_samples(at::randn({2, 3})));
  expect_mixed(pair_of_samples(at::randn({2, 1})));

  onnx::ModelProto model = pair_of_samples(shift);  // its mean over the samples is taken away
  set_list(add_node(model, "ReduceMean", {"y2"}), "axes", {0});
  add_node(model, "Sub", {"y2", "y3"});
  declare_output(model, {});
  expect_mixed(model);

  model = pair_of_samples(shift);  // the first sample's answer, twice
  auto& starts = *model.mutable_graph()->add_initializer();
  starts.set_name("zero");
  starts.set_data_type(onnx::TensorProto::INT64);
  starts.add_dims(1);
  starts.add_int64_data(0);
  auto& first = add_node(model, "Gather", {"y2", "zero"});
  set_attribute(first, "axis", 0);
  set_attribute(add_node(model, "Concat", {"y3", "y3"}), "axis", 0);
  expect_mixed(model);
}

}  // namespace
}  // namespace reluctance
