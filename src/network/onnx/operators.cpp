#include "operators.hpp"

#include <set>
#include <unordered_map>

namespace reluctance::onnx_import {
namespace {

// Known operators that bend: the network around them has no linear regions.
constexpr std::string_view curved =
    " Acos Acosh Asin Asinh Atan Atanh Attention BiasGelu Celu Cos Cosh Elu Erf FastGelu"
    " GRU Gelu GroupNormalization HardSwish Hardmax InstanceNormalization LRN LSTM"
    " LayerNormalization LpNormalization LpPool MeanVarianceNormalization Mish QuickGelu"
    " RMSNormalization RNN ReduceLogSum ReduceLogSumExp ReduceSumSquare Selu"
    " Sin Sinh SkipLayerNormalization Softplus Softsign Swish Tan Tanh ";

// Known operators that round to whole numbers.
constexpr std::string_view rounding =
    " ConvInteger DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear ";

bool names(std::string_view list, const std::string& type) {
  return list.find(" " + type + " ") != std::string_view::npos;
}

std::unordered_map<std::string_view, Converter> joined_tables() {
  std::unordered_map<std::string_view, Converter> all;
  for (const OperatorTable* table : operator_tables()) all.insert(table->begin(), table->end());
  return all;
}

}  // namespace

std::vector<const OperatorTable*> operator_tables() {
  return {&arithmetic_operators,  &comparison_operators, &constant_operators,
          &convolution_operators, &einsum_operators,     &gate_operators,
          &layout_operators,      &linear_operators,     &output_operators,
          &pooling_operators,     &reduction_operators,  &resize_operators,
          &selection_operators};
}

std::string with_article(const std::string& type) {
  const bool vowel = std::string_view("AEIO").find(type.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + type;
}

Converter find_converter(const onnx::NodeProto& node, int64_t opset) {
  static const std::unordered_map<std::string_view, Converter> converters = joined_tables();
  const std::string& type = node.op_type();
  if (names(curved, type)) throw NotPiecewiseLinear(with_article(type));
  if (names(rounding, type)) {
    throw Error(
        "rounds to whole numbers, so no gradient passes; export the network in floating "
        "point (weights alone may be quantised, by DequantizeLinear)");
  }
  const auto found = converters.find(type);
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx" || type == "ZipMap";
  if (found != converters.end() && standard) return found->second;
  const std::string name = standard ? type : node.domain() + "." + type;
  throw Error("operator " + name + " is not supported (opset " + std::to_string(opset) +
              "); export the model with operators of docs/inputs.md");
}

bool only_renames(const std::string& type) {
  static const std::set<std::string_view> names{"Cast",      "Dropout",   "Flatten",
                                                "Identity",  "Reshape",   "Squeeze",
                                                "Transpose", "Unsqueeze", "ZipMap"};
  return names.contains(type);
}

}  // namespace reluctance::onnx_import
