// Parameters by name: what a file calls them, and what a name stands for.
#include "reluctance/network/parameters.hpp"

#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "network/onnx_models.hpp"

namespace reluctance {
namespace {

using Parameters = OnnxFile;
using Names = std::vector<std::string>;

Names names_of(const std::vector<NamedParameter>& parameters) {
  Names names;
  for (const NamedParameter& each : parameters) names.push_back(each.name);
  return names;
}

TEST_F(Parameters, HaveTheNamesOfTheFile) {
  const std::vector<NamedParameter> all = named_parameters(imported(mixed_model()));
  EXPECT_EQ(names_of(all), (Names{"stem.conv.weight", "scale", "shift", "matrix.T", "bias",
                                  "stem2.weight", "stem2.bias"}));
}

TEST_F(Parameters, StandWhereTheirNumbersAre) {
  const ImportedNetwork read = imported(mixed_model());
  const std::vector<NamedParameter> all = named_parameters(read);
  const Tensor flat = read.network.flat_parameters();
  const Tensors tensors = read.network.parameters();
  ASSERT_EQ(all.size(), tensors.size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_EQ(all[k].shape, Shape(tensors[k].sizes().vec()));
    EXPECT_TRUE(at::equal(flat.index_select(0, places_of({all[k]})), tensors[k].flatten()));
  }
  EXPECT_TRUE(at::equal(places_of(all), at::arange(flat.size(0), at::kLong)));
}

TEST_F(Parameters, AreChosenByNameOrByLayerInTheirOwnOrder) {
  const std::vector<NamedParameter> all = named_parameters(imported(mixed_model()));
  const auto chosen = [&](const Names& names) { return names_of(chosen_parameters(all, names)); };
  EXPECT_EQ(chosen({"stem2.bias", "bias"}), (Names{"bias", "stem2.bias"}));
  EXPECT_EQ(chosen({"stem"}), (Names{"stem.conv.weight"}));  // not stem2
  EXPECT_EQ(chosen({"stem2", "stem2.bias"}), (Names{"stem2.weight", "stem2.bias"}));
  EXPECT_EQ(chosen({}), Names{});
  const std::string message = error_of([&] { chosen({"stem", "stem2.wieght"}); });
  EXPECT_NE(message.find("stem2.wieght; did you mean stem2.weight?"), message.npos) << message;
  EXPECT_NE(message.find("matrix.T"), message.npos) << message;
  EXPECT_NE(error_of([&] { chosen({"ste"}); }), "");  // no part of a word
}

TEST_F(Parameters, OfOneTensorInTwoWaysAreTwoNames) {
  onnx::ModelProto model = model_of({1, 4});
  add_tensor(model, "w", at::randn({4, 4}));
  add_node(model, "MatMul", {"x", "w"});
  add_node(model, "Relu", {"y1"});
  set_attribute(add_node(model, "Gemm", {"y2", "w"}), "transB", 1);
  EXPECT_EQ(names_of(named_parameters(imported(model))), (Names{"w.T", "w"}));
}

}  // namespace
}  // namespace reluctance
