// Operators that become several layers here: function and gradients against autograd through
// LibTorch's own operators, for the weights as they are in the file.
#include <torch/csrc/autograd/autograd.h>

#include <functional>

#include "network/onnx_models.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/network/second_order.hpp"

namespace reluctance {
namespace {

constexpr int64_t images_each = 3;

// The function of a model, of its images and of its weights in the order of the file; and what its
// weights look like here.
struct Expected {
  std::function<Tensor(const Tensor& x, const Tensors& weights)> apply;
  std::vector<std::function<Tensor(const Tensor&)>> as_here;
};

class OnnxCombinations : public OnnxFile {
 protected:
  OnnxCombinations() { at::manual_seed(5); }

  void expect_equal(const onnx::ModelProto& model, const Tensors& weights,
                    const Expected& expected) const {
    const Network network = imported(model).network.to(at::kDouble);
    Shape shape{images_each};
    shape.insert(shape.end(), network.input_shape().begin(), network.input_shape().end());
    Tensors leaves{at::randn(shape, at::kDouble).requires_grad_()};
    for (const Tensor& each : weights) leaves.push_back(each.to(at::kDouble).requires_grad_());
    const Tensor z = expected.apply(leaves[0], {leaves.begin() + 1, leaves.end()}).flatten(1);
    const Pass pass = forward(network, leaves[0].detach(), Keep::inputs);
    ASSERT_TRUE(at::allclose(pass.logits, z));

    const Tensor u = at::randn(z.sizes(), at::kDouble);
    const Tensors wanted = torch::autograd::grad({(z * u).sum()}, leaves, {}, true);
    const Gradients got = gradients(network, pass, u);
    EXPECT_TRUE(at::allclose(got.input, wanted[0]));
    ASSERT_EQ(got.parameters.size(), weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_TRUE(at::allclose(got.parameters[i], expected.as_here[i](wanted[i + 1]))) << i;
    }
    const Tensor v = at::randn(shape, at::kDouble);
    EXPECT_TRUE(at::allclose((jacobian_vector(network, pass, v) * u).sum(), (got.input * v).sum()));

    // Each sample's squared gradient norm.
    Tensors norms;
    for (int64_t i = 0; i < images_each; ++i) {
      const Tensor own = (z * u)[i].sum();
      Tensor norm = at::zeros({}, at::kDouble);
      const Tensors parts =
          torch::autograd::grad({own}, {leaves.begin() + 1, leaves.end()}, {}, true);
      for (const Tensor& part : parts) norm += part.square().sum();
      norms.push_back(norm);
    }
    EXPECT_TRUE(at::allclose(squared_gradient_norms(network, pass, u), at::stack(norms)));
  }
};

Tensor as_it_is(const Tensor& tensor) { return tensor; }

TEST_F(OnnxCombinations, Volumes) {
  const Tensor weight = at::randn({4, 1, 2, 3, 2}) * 0.5, bias = at::randn({4});
  onnx::ModelProto model = model_of({1, 2, 4, 6, 5});
  add_tensor(model, "w", weight);
  add_tensor(model, "b", bias);
  onnx::NodeProto& conv = add_node(model, "Conv", {"x", "w", "b"});
  set_attribute(conv, "group", 2);
  set_list(conv, "strides", {2, 2, 1});
  set_list(conv, "pads", {1, 1, 0, 0, 1, 1});
  add_node(model, "Relu", {"y1"});
  onnx::NodeProto& pool = add_node(model, "MaxPool", {"y2"});
  set_list(pool, "kernel_shape", {2, 1, 2});
  expect_equal(model, {weight, bias},
               {[](const Tensor& x, const Tensors& w) {
                  const Tensor wide = at::constant_pad_nd(x, {0, 1, 1, 1, 1, 0});
                  return at::max_pool3d(at::relu(at::conv3d(wide, w[0], w[1], {2, 2, 1},
                                                            at::IntArrayRef({0, 0, 0}), 1, 2)),
                                        {2, 1, 2}, {1, 1, 1});
                },
                {[](const Tensor& w) {
                   return w.reshape({4, 2, 3, 2});
                 },
                 as_it_is}});
}

TEST_F(OnnxCombinations, TransposedConvolutions) {
  const Tensor weight = at::randn({4, 3, 2, 3}) * 0.5, bias = at::randn({6});
  onnx::ModelProto model = model_of({1, 4, 3, 4});
  add_tensor(model, "w", weight);
  add_tensor(model, "b", bias);
  onnx::NodeProto& conv = add_node(model, "ConvTranspose", {"x", "w", "b"});
  set_attribute(conv, "group", 2);
  set_list(conv, "strides", {2, 3});
  set_list(conv, "pads", {1, 0, 1, 0});
  set_list(conv, "output_padding", {1, 2});
  add_node(model, "Relu", {"y1"});
  expect_equal(
      model, {weight, bias},
      {[](const Tensor& x, const Tensors& w) {
         return at::relu(at::conv_transpose2d(x, w[0], w[1], {2, 3}, {1, 0}, {1, 2}, 2));
       },
       {[](const Tensor& w) {
          return w.view({2, 2, 3, 2, 3}).transpose(1, 2).reshape({6, 2, 2, 3}).flip({2, 3});
        },
        as_it_is}});
}

TEST_F(OnnxCombinations, SumsOverNamedAxes) {
  const Tensor weight = at::randn({6, 2, 3});
  onnx::ModelProto model = model_of({1, 5, 6});
  add_tensor(model, "w", weight);
  set_text(add_node(model, "Einsum", {"x", "w"}), "equation", "bsd,dhe->bhse");
  add_node(model, "Relu", {"y1"});
  expect_equal(model, {weight},
               {[](const Tensor& x, const Tensors& w) {
                  return at::relu(at::einsum("bsd,dhe->bhse", {x, w[0]}));
                },
                {[](const Tensor& w) {
                  return w.permute({1, 2, 0}).reshape({6, 6, 1, 1});
                }}});
}

// Which side of a kink a number is on, and what is chosen there, is one gate of one layer.
TEST_F(OnnxCombinations, ComparisonsBecomeTheGatesTheyStandFor) {
  const auto layers = [&](const onnx::ModelProto& model) {
    const Network network = imported(model).network;
    std::vector<std::string> names;
    for (const Node& node : network.nodes()) names.push_back(node.layer->name());
    return names;
  };
  onnx::ModelProto model = model_of({1, 3});
  add_tensor(model, "zero", at::zeros({}));
  add_tensor(model, "leak", at::full({}, 0.2f));
  add_node(model, "Greater", {"x", "zero"});
  onnx::ModelProto leaky = model;
  add_node(model, "Where", {"y1", "x", "zero"});
  EXPECT_EQ(layers(model), std::vector<std::string>{"Relu"});
  add_node(leaky, "Mul", {"x", "leak"});
  add_node(leaky, "Where", {"y1", "x", "y2"});
  EXPECT_EQ(layers(leaky), std::vector<std::string>{"LeakyRelu"});
}

TEST_F(OnnxCombinations, AWeightOfTwoTransposedConvolutionsStaysOne) {
  onnx::ModelProto model = model_of({1, 2, 3, 3});
  add_tensor(model, "w", at::randn({2, 2, 2, 2}));
  add_node(model, "ConvTranspose", {"x", "w"});
  add_node(model, "Relu", {"y1"});
  add_node(model, "ConvTranspose", {"y2", "w"});
  EXPECT_EQ(imported(model).network.parameter_count(), 16);
}

}  // namespace
}  // namespace reluctance
