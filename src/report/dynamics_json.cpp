// networks[].dynamics of results.json.
#include "report/json.hpp"

namespace reluctance {
namespace {

Json segment_error(const SegmentError& at) {
  return {{"tolerance", at.tolerance},
          {"error", as_json(at.error)},
          {"segments", at.segments},
          {"forward", at.forward},
          {"backward", at.backward}};
}

Json swept(const DynamicsStrength& at) {
  Json growth = Json::array();
  for (std::size_t k = 0; k < at.growth.size(); ++k) {
    growth.push_back({{"index", k + 1},
                      {"predicted", as_json(at.growth[k].predicted)},
                      {"measured", as_json(at.growth[k].measured)}});
  }
  const auto shares = [](const auto& tops) {
    return list_of(tops, [](const auto& q) { return as_json(q); });
  };
  const auto both = [&](auto field) {
    return Json{{"quadratic", as_json(at.quadratic.*field)},
                {"region", as_json(at.region.*field)},
                {"segments", as_json(at.segments.*field)}};
  };
  return {{"relative", at.relative},
          {"beta", as_json(at.beta)},
          {"beta_lambda", as_json(at.beta_lambda)},
          {"fooled", at.fooled},
          {"gates_flipped_share", at.gates_flipped_share},
          {"gates_flipped", as_json(at.gates_flipped)},
          {"norm", as_json(at.norm)},
          {"leaves_box", at.leaves_box},
          {"outside", as_json(at.outside)},
          {"error", both(&Agreement::error)},
          {"cosine", both(&Agreement::cosine)},
          {"outside_range", at.outside_range},
          {"top_share",
           {{"real", shares(at.top_share_real)},
            {"quadratic", shares(at.top_share_quadratic)},
            {"region", shares(at.top_share_region)}}},
          {"turned", at.turned},
          {"growth", growth}};
}

}  // namespace

Json as_json(const DynamicsResult& result) {
  Json spectrum = Json::array();
  for (std::size_t k = 0; k < result.spectrum.size(); ++k) {
    spectrum.push_back({{"index", k + 1}, {"eigenvalue", as_json(result.spectrum[k])}});
  }
  Json examples = Json::array();
  for (const DynamicsExample& each : result.examples) {
    examples.push_back(
        {{"sample", each.sample},
         {"label", each.label},
         {"prediction", each.prediction},
         {"attacked_prediction", each.attacked_prediction},
         {"beta", each.beta},
         {"gates_flipped", each.gates_flipped},
         {"error",
          {{"quadratic", number(each.error_quadratic)}, {"region", number(each.error_region)}}},
         {"clean", image(each.clean)},
         {"real", image(each.real)},
         {"quadratic", image(each.quadratic)},
         {"region", image(each.region)}});
  }
  return {{"samples", result.samples},
          {"steps", result.steps},
          {"right", result.right},
          {"fooled", result.fooled},
          {"tolerance", result.tolerance},
          {"spectrum", spectrum},
          {"sweep", list_of(result.sweep, swept)},
          {"segments", list_of(result.segment_errors, segment_error)},
          {"examples", examples}};
}

}  // namespace reluctance
