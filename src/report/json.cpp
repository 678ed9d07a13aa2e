#include "report/json.hpp"

#include <ATen/ATen.h>

namespace reluctance {
namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? bytes[i + k] : 0);
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

}  // namespace

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json as_json(const std::optional<Quantiles>& q) {
  if (!q) return nullptr;
  return {{"q05", number(q->q05)},
          {"q25", number(q->q25)},
          {"median", number(q->median)},
          {"q75", number(q->q75)},
          {"q95", number(q->q95)}};
}

Json as_json(const Share& share) {
  return {
      {"value", share.value}, {"low", share.low}, {"high", share.high}, {"samples", share.samples}};
}

Json as_json(const Interval& interval) {
  return {{"value", number(interval.value)},
          {"low", number(interval.low)},
          {"high", number(interval.high)}};
}

Json as_json(const Check& check) {
  return {{"what", check.what},
          {"value", number(check.value)},
          {"low", check.interval ? number(check.interval->low) : Json(nullptr)},
          {"high", check.interval ? number(check.interval->high) : Json(nullptr)},
          {"relation", check.relation == Check::Relation::at_most ? "<=" : ">="},
          {"threshold", check.threshold},
          {"passed", check.passed()},
          {"certain", check.certain()}};
}

Json as_json(const FindingResult& result) {
  const EarlierFinding& finding = *result.finding;
  return {
      {"name", finding.name},
      {"title", finding.title},
      {"source", finding.source},
      {"prediction", finding.prediction},
      {"explained_by", finding.explained_by},
      {"experiment", finding.experiment},
      {"expected", finding.expected},
      {"verdict", to_string(result.outcome.verdict)},
      {"certain", result.certain},
      {"summary", result.outcome.summary},
      {"checks", list_of(result.outcome.checks, [](const Check& each) { return as_json(each); })},
      {"seconds", result.seconds}};
}

Json numbers(const Tensor& values) {
  const Tensor flat = values.to(at::kCPU, at::kDouble).contiguous();
  Json list = Json::array();
  for (int64_t k = 0; k < flat.numel(); ++k) list.push_back(number(flat.data_ptr<double>()[k]));
  return list;
}

Json image(const Tensor& values) {
  if (!values.defined()) return nullptr;
  const Tensor flat = values.to(at::kCPU, at::kDouble).contiguous();
  const double scale = std::max(flat.abs().max().item<double>(), 1e-30);
  const Tensor rounded = (flat / scale * 127).round().to(at::kChar).contiguous();
  const auto* data = reinterpret_cast<const std::uint8_t*>(rounded.data_ptr<int8_t>());
  return {{"shape", Shape(values.sizes().begin(), values.sizes().end())},
          {"scale", scale},
          {"base64", base64({data, data + rounded.numel()})}};
}

}  // namespace reluctance
