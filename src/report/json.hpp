// The pieces that all parts of results.json are written with.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "reluctance/claims/curvature.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/claims/findings.hpp"
#include "reluctance/claims/influence.hpp"
#include "reluctance/claims/paper.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

using Json = nlohmann::ordered_json;

// A number that is not finite is shown as missing, never as inf or NaN.
Json number(double value);

Json as_json(const std::optional<Quantiles>& quantiles);
Json as_json(const Share& share);
Json as_json(const Interval& interval);

// The values of a one-dimensional tensor.
Json numbers(const Tensor& values);

// Values as signed bytes with one scale; null if undefined.
Json image(const Tensor& values);

// What `json_of` gives for each item.
template <typename Items, typename Function>
Json list_of(const Items& items, const Function& json_of) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(json_of(item));
  return array;
}

// A comparison with its threshold, and its interval where one is known.
Json as_json(const Check& check);

// The chapters of a network.
Json as_json(const DynamicsResult& result);
Json as_json(const InfluenceResult& result);
Json as_json(const CurvatureResult& result);
Json as_json(const PaperResults& results);

// Claim 4.
Json as_json(const FindingResult& result);

}  // namespace reluctance
