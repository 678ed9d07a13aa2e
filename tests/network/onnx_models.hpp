// Small ONNX models put together by hand, and a folder to read them from.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/onnx.hpp"
#include "temporary_folder.hpp"

namespace reluctance {

namespace fs = std::filesystem;

constexpr std::uint64_t file_limit = 1 << 28;

// write_file flushes to the disk, and so do some file systems where a file is overwritten, which
// takes long for the thousands of files of the tests.
inline void save(const fs::path& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

// A folder with one file in it.
class OnnxFile : public testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "network.onnx"; }

  std::string written(const Network& network) const {
    write_onnx(network, path());
    return read_file(path(), file_limit);
  }

  ImportedNetwork imported(const onnx::ModelProto& model, const Answer& answer = {}) const {
    save(path(), model.SerializeAsString());
    return read_onnx(path(), answer);
  }

  // The message with which the model is refused, without the file's name.
  std::string refusal(const onnx::ModelProto& model, const Answer& answer = {}) const {
    try {
      imported(model, answer);
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(path().string() + ": ")) << what;
      return what.substr(path().string().size() + 2);
    }
    return "was not refused";
  }

  TemporaryFolder folder_;
};

inline void add_tensor(onnx::ModelProto& model, const std::string& name, const Tensor& values) {
  auto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t extent : values.sizes()) tensor.add_dims(extent);
  tensor.set_raw_data(values.contiguous().data_ptr(), values.nbytes());
}

inline onnx::NodeProto& add_node(onnx::ModelProto& model, const std::string& type,
                                 const std::vector<std::string>& inputs) {
  auto& node = *model.mutable_graph()->add_node();
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output("y" + std::to_string(model.graph().node_size()));
  model.mutable_graph()->mutable_output(0)->set_name(node.output(0));
  return node;
}

inline void set_attribute(onnx::NodeProto& node, const std::string& name, int64_t value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_i(value);
}

inline void set_list(onnx::NodeProto& node, const std::string& name,
                     const std::vector<int64_t>& values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  for (const int64_t value : values) attribute.add_ints(value);
}

inline void set_text(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_s(value);
}

// What the file says of the shape of its output.
inline void declare_output(onnx::ModelProto& model, const Shape& shape,
                           int type = onnx::TensorProto::FLOAT) {
  auto& tensor = *model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  for (const int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

// A model of one input x and no node yet; its output is what the last node computes.
inline onnx::ModelProto model_of(const Shape& input, int64_t opset = 13) {
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
inline onnx::ModelProto product(const Tensor& weight = at::ones({3, 2})) {
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "w", weight);
  add_node(model, "MatMul", {"x", "w"});
  return model;
}

// A convolution without a bias that a normalisation follows, a matrix that the file has the
// other way round with its bias in a node of its own, and a layer of two parameters.
inline onnx::ModelProto mixed_model() {
  onnx::ModelProto model = model_of({1, 2, 4, 4});
  add_tensor(model, "stem.conv.weight", at::randn({3, 2, 3, 3}));
  for (const char* name : {"scale", "shift", "mean"}) add_tensor(model, name, at::randn({3}));
  add_tensor(model, "variance", at::rand({3}) + 0.5);
  add_tensor(model, "matrix", at::randn({12, 5}));
  add_tensor(model, "bias", at::randn({5}));
  add_tensor(model, "stem2.weight", at::randn({4, 5}));
  add_tensor(model, "stem2.bias", at::randn({4}));
  add_node(model, "Conv", {"x", "stem.conv.weight"});
  add_node(model, "BatchNormalization", {"y1", "scale", "shift", "mean", "variance"});
  add_node(model, "Relu", {"y2"});
  set_attribute(add_node(model, "Flatten", {"y3"}), "axis", 1);
  add_node(model, "MatMul", {"y4", "matrix"});
  add_node(model, "Add", {"y5", "bias"});
  set_attribute(add_node(model, "Gemm", {"y6", "stem2.weight", "stem2.bias"}), "transB", 1);
  return model;
}

}  // namespace reluctance
