// Models that are missing, damaged or no ReLU classifiers: one line that names the file.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <limits>

#include "cli/material.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

class BadModel : public Cli {
 protected:
  // The program refuses the model, naming the file, and writes nothing.
  void expect_refused(const std::string& file, std::vector<std::string> words = {},
                      const std::string& subcommand = "evaluate") const {
    const auto before = content(folder());
    words.push_back(file + ": ");
    const ProgramOutcome outcome = run_here(on_images(subcommand) + Arguments{"--model", file});
    EXPECT_TRUE(refused(outcome, 2, words));
    EXPECT_EQ(content(folder()), before);
  }

  onnx::ModelProto good() const {
    onnx::ModelProto proto;
    EXPECT_TRUE(proto.ParseFromString(bytes_of(model())));
    return proto;
  }

  void save(const onnx::ModelProto& proto) const {
    put_file(in_folder("bad.onnx"), proto.SerializeAsString());
  }
};

TEST_F(BadModel, Files) {
  for (const std::string subcommand :
       {"explain", "train", "evaluate", "dynamics", "influence", "curvature"}) {
    expect_refused("missing.onnx", {"no such file"}, subcommand);
  }
  fs::create_directories(in_folder("folder.onnx"));
  expect_refused("folder.onnx", {"not a regular file"});
  const std::string bytes = bytes_of(model());
  for (const std::string& bad :
       {std::string(), bytes.substr(0, bytes.size() / 2), bytes.substr(1)}) {
    put_file(in_folder("bad.onnx"), bad);
    expect_refused("bad.onnx");
  }
}

TEST_F(BadModel, AFlippedBitNeverCrashes) {
  // A flipped weight is another network, so some of these work.
  const std::string good_bytes = bytes_of(model());
  std::vector<Arguments> lines;
  for (const std::size_t at : {0U, 5U, 14U, 40U, 61U, 90U}) {
    std::string bytes = good_bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 8);
    const std::string name = "bad-" + std::to_string(at) + ".onnx";
    put_file(in_folder(name), bytes);
    lines.push_back(on_images("evaluate") + Arguments{"--model", name, "--attack", "fgsm"} +
                    one_thread);
  }
  for (const ProgramOutcome& outcome : run_all(lines, {folder()})) {
    EXPECT_TRUE(outcome.code == 0 || refused(outcome, 2, {"bad-"})) << outcome;
  }
}

TEST_F(BadModel, ALayerThatIsNotPiecewiseLinear) {
  onnx::ModelProto proto = good();
  for (onnx::NodeProto& node : *proto.mutable_graph()->mutable_node()) {
    if (node.op_type() == "Relu") node.set_op_type("Sigmoid");
  }
  save(proto);
  expect_refused("bad.onnx", {"Sigmoid", "piecewise linear"});
}

TEST_F(BadModel, WeightsThatAreNoNumbers) {
  onnx::ModelProto proto = good();
  for (onnx::TensorProto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (tensor.data_type() != onnx::TensorProto::FLOAT) continue;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    tensor.mutable_raw_data()->replace(0, sizeof nan, reinterpret_cast<const char*>(&nan),
                                       sizeof nan);
  }
  save(proto);
  expect_refused("bad.onnx", {"not finite"});
}

TEST_F(BadModel, FewerClassesThanLabels) {
  const Dataset data = dataset(6);
  write_npz(in_folder("few.npz"), {{"images", data.samples.images},
                                   {"labels", at::tensor({0, 1, 2, 0, 1, 2}, at::kLong)}});
  ASSERT_TRUE(
      succeeded(run_here({"train", "--data", "few.npz", "--arch", "linear", "--epochs", "1"})));
  const ProgramOutcome outcome =
      run_here(on_images("evaluate") + Arguments{"--model", "out/train/model.onnx"});
  EXPECT_TRUE(refused(outcome, 2, {"images.npz: label 9 of image 0", "not below 3"}));
}

}  // namespace
}  // namespace reluctance
