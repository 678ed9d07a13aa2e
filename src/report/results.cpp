// results.json: one function per object of docs/results.md.
#include "reluctance/report/results.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "report/machine.hpp"

namespace reluctance {
namespace {

using Json = nlohmann::ordered_json;

// A number that is not finite is shown as missing, never as inf or NaN.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json(const std::optional<Quantiles>& q) {
  if (!q) return nullptr;
  return {{"q05", number(q->q05)},
          {"q25", number(q->q25)},
          {"median", number(q->median)},
          {"q75", number(q->q75)},
          {"q95", number(q->q95)}};
}

Json json(const DynamicsStrength& at);
Json json(const SegmentError& at);
Json json(const NetworkResult& network);
Json json(const Check& check);

template <typename T>
Json list(const std::vector<T>& items) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(json(item));
  return array;
}

Json json(const Share& share) {
  return {
      {"value", share.value}, {"low", share.low}, {"high", share.high}, {"samples", share.samples}};
}

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

// Values as signed bytes with one scale.
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

Json json(const DynamicsStrength& at) {
  Json growth = Json::array();
  for (std::size_t k = 0; k < at.growth.size(); ++k) {
    growth.push_back({{"index", k + 1},
                      {"predicted", json(at.growth[k].predicted)},
                      {"measured", json(at.growth[k].measured)}});
  }
  const auto both = [&](auto field) {
    return Json{{"quadratic", json(at.quadratic.*field)},
                {"region", json(at.region.*field)},
                {"segments", json(at.segments.*field)}};
  };
  return {{"beta", at.beta},
          {"beta_lambda", json(at.beta_lambda)},
          {"fooled", at.fooled},
          {"gates_flipped_share", at.gates_flipped_share},
          {"gates_flipped", json(at.gates_flipped)},
          {"norm", json(at.norm)},
          {"error", both(&Agreement::error)},
          {"cosine", both(&Agreement::cosine)},
          {"outside_range", at.outside_range},
          {"top_share",
           {{"real", list(at.top_share_real)},
            {"quadratic", list(at.top_share_quadratic)},
            {"region", list(at.top_share_region)}}},
          {"turned", at.turned},
          {"growth", growth}};
}

Json json(const SegmentError& at) {
  return {{"segments", at.segments}, {"tangent", json(at.tangent)}, {"chord", json(at.chord)}};
}

Json json(const DynamicsResult& result) {
  Json spectrum = Json::array();
  for (std::size_t k = 0; k < result.spectrum.size(); ++k) {
    spectrum.push_back({{"index", k + 1}, {"eigenvalue", json(result.spectrum[k])}});
  }
  Json examples = Json::array();
  for (const DynamicsExample& each : result.examples) {
    examples.push_back(
        {{"sample", each.sample},
         {"label", each.label},
         {"prediction", each.prediction},
         {"attacked_prediction", each.attacked_prediction},
         {"beta", result.fooled_half_beta},
         {"gates_flipped", each.gates_flipped},
         {"error",
          {{"quadratic", number(each.error_quadratic)}, {"region", number(each.error_region)}}},
         {"clean", image(each.clean)},
         {"real", image(each.real)},
         {"quadratic", image(each.quadratic)},
         {"region", image(each.region)}});
  }
  return {
      {"samples", result.samples},
      {"steps", result.steps},
      {"sweep_segments", result.sweep_segments},
      {"fooled_half_beta", result.fools_half ? Json(result.fooled_half_beta) : Json(nullptr)},
      {"spectrum", spectrum},
      {"sweep", list(result.sweep)},
      {"segments", {{"beta", result.fooled_half_beta}, {"errors", list(result.segment_errors)}}},
      {"examples", examples}};
}

Json json(const TrainingInfo& training) {
  return {{"method", training.method},
          {"attack", training.attack ? Json(*training.attack) : Json(nullptr)},
          {"epochs", training.epochs},
          {"learning_rate", training.learning_rate},
          {"batch_size", training.batch_size},
          {"seconds", training.seconds}};
}

Json json(const NetworkResult& network) {
  Json robust = json(network.robust);
  robust["attack"] = network.robust_attack;
  return {{"id", network.id},
          {"title", network.title},
          {"file", network.file},
          {"architecture", network.architecture},
          {"parameters", network.parameters},
          {"training", network.training ? json(*network.training) : Json(nullptr)},
          {"accuracy", {{"clean", json(network.clean)}, {"robust", robust}}},
          {"dynamics", network.dynamics ? json(*network.dynamics) : Json(nullptr)}};
}

Json json(const Check& check) {
  return {{"what", check.what},
          {"value", number(check.value)},
          {"relation", check.relation == Check::Relation::at_most ? "<=" : ">="},
          {"threshold", check.threshold},
          {"passed", check.passed()}};
}

Json claims(const Results& results) {
  const Claim claim = dynamics_claim();
  Json verdicts = Json::array();
  for (const NetworkResult& network : results.networks) {
    if (!network.dynamics) continue;
    const Finding& finding = network.dynamics->finding;
    verdicts.push_back({{"network", network.id},
                        {"verdict", to_string(finding.verdict)},
                        {"summary", finding.summary},
                        {"checks", list(finding.checks)}});
  }
  if (verdicts.empty()) return Json::array();
  return Json::array({{{"id", claim.id},
                       {"number", claim.number},
                       {"title", claim.title},
                       {"statement", claim.statement},
                       {"source", claim.source},
                       {"verdicts", verdicts}}});
}

}  // namespace

std::string results_json(const Results& results) {
  const RunInfo& run = results.run;
  const DataInfo& data = results.data;
  const Machine machine = this_machine();
  const Json document{
      {"format", 1},
      {"run",
       {{"program", run.program},
        {"command", run.command},
        {"seed", run.seed},
        {"threads", run.threads},
        {"device", run.device},
        {"started", run.started},
        {"seconds", run.seconds},
        {"machine",
         {{"processor", machine.processor},
          {"cores", machine.cores},
          {"memory_bytes", machine.memory_bytes},
          {"system", machine.system}}},
        {"libraries", {{"libtorch", machine.libtorch}}}}},
      {"data",
       {{"name", data.name},
        {"samples", data.samples},
        {"shape", data.shape},
        {"classes", data.classes},
        {"class_names", data.class_names.empty() ? Json(nullptr) : Json(data.class_names)},
        {"checksum", data.checksum}}},
      {"networks", list(results.networks)},
      {"claims", claims(results)}};
  // Names of files may hold any bytes; what is not UTF-8 is replaced.
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string results_text(const Results& results) {
  std::ostringstream text;
  text.precision(3);
  const auto percent = [](const Share& share) {
    std::ostringstream out;
    out.setf(std::ios::fixed);
    out.precision(1);
    out << 100 * share.value << "% (" << 100 * share.low << " to " << 100 * share.high << ")";
    return out.str();
  };
  for (const NetworkResult& network : results.networks) {
    text << "\n"
         << network.title << ": " << network.architecture << "\n  clean accuracy   "
         << percent(network.clean) << "\n  robust accuracy  " << percent(network.robust) << "  "
         << network.robust_attack << "\n";
    if (!network.dynamics) continue;
    const Finding& finding = network.dynamics->finding;
    text << "  claim 1 " << to_string(finding.verdict) << ". " << finding.summary << "\n";
    for (const Check& check : finding.checks) {
      text << "    " << (check.passed() ? "yes  " : "no   ") << check.what << ": " << check.value
           << (check.relation == Check::Relation::at_most ? " <= " : " >= ") << check.threshold
           << (check.passed() ? "" : " fails") << "\n";
    }
  }
  return text.str();
}

}  // namespace reluctance
