// networks[].curvature of results.json.
#include <ATen/ATen.h>

#include "report/json.hpp"

namespace reluctance {
namespace {

Json eigenpairs_json(const Eigenpairs& pairs) {
  return {{"eigenvalues", numbers(pairs.values)}, {"residuals", numbers(pairs.residuals)}};
}

Json carriers_json(const Carriers& carriers) {
  constexpr int64_t shown = 50;
  const Tensor sorted = std::get<0>(carriers.shares.sort(0, /*descending=*/true));
  return {{"eigenvalue", number(carriers.eigenvalue)},
          {"half", carriers.half},
          {"shares", numbers(sorted.slice(0, 0, shown))}};
}

Json example(const CarrierExample& each) {
  return {{"sample", each.sample},
          {"label", each.label},
          {"prediction", each.prediction},
          {"share", number(each.share)},
          {"clean", image(each.clean)}};
}

Json condition_json(const CurvatureCondition& at) {
  Json overlap = nullptr;
  if (at.overlap) {
    overlap = {{"count", at.overlap->count},
               {"common", at.overlap->common},
               {"by_chance", at.overlap->by_chance}};
  }
  return {
      {"name", at.name},
      {"epsilon", at.epsilon},
      {"attack", at.attack ? Json(*at.attack) : Json(nullptr)},
      {"fooled", at.fooled},
      {"loss", number(at.loss)},
      {"hessian", eigenpairs_json(at.hessian)},
      {"gauss_newton", eigenpairs_json(at.gauss_newton)},
      {"effective", at.effective ? eigenpairs_json(*at.effective) : Json(nullptr)},
      {"smooth", at.smooth},
      {"trace",
       {{"value", number(at.trace.value)}, {"standard_error", number(at.trace.standard_error)}}},
      {"carriers", list_of(at.carriers, carriers_json)},
      {"overlap", overlap},
      {"examples", list_of(at.examples, example)}};
}

Json rate_json(const CriticalRate& rate) {
  const double missing = std::nan("");
  return {{"name", rate.name},
          {"epsilon", rate.epsilon},
          {"settled", rate.settled},
          {"momentum", rate.momentum},
          {"hessian", number(rate.hessian)},
          {"predicted", number(rate.predicted)},
          {"measured", number(rate.measured.value_or(missing))},
          {"ratio", number(rate.measured.value_or(missing) / rate.predicted)}};
}

}  // namespace

Json as_json(const CurvatureResult& result) {
  return {{"data", result.data},
          {"samples", result.samples},
          {"conditions", list_of(result.conditions, condition_json)},
          {"rates", list_of(result.rates, rate_json)},
          {"density",
           {{"nodes", numbers(result.density.nodes.flatten())},
            {"weights", numbers(result.density.weights.flatten())}}}};
}

}  // namespace reluctance
