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

Json carrier(const CarrierExample& each) {
  return {{"sample", each.sample},
          {"label", each.label},
          {"prediction", each.prediction},
          {"share", number(each.share)},
          {"clean", image(each.clean)}};
}

// What training a condition is of.
void tell_training(Json& json, const std::optional<Ball>& ball) {
  json["kind"] = ball ? "adversarial" : "vanilla";
  json["norm"] = ball ? Json(to_string(ball->norm)) : Json(nullptr);
  json["epsilon"] = ball ? ball->radius : 0;
}

Json condition_json(const CurvatureCondition& condition) {
  Json overlap = nullptr;
  if (condition.overlap) {
    overlap = {{"count", condition.overlap->count},
               {"common", condition.overlap->common},
               {"by_chance", condition.overlap->by_chance}};
  }
  Json json;
  tell_training(json, condition.attack ? condition.attack->ball : std::nullopt);
  json.update(Json{
      {"attack", condition.attack ? Json(describe(*condition.attack)) : Json(nullptr)},
      {"fooled", condition.fooled},
      {"loss", number(condition.loss)},
      {"hessian", eigenpairs_json(condition.hessian)},
      {"gauss_newton", eigenpairs_json(condition.gauss_newton)},
      {"effective", condition.effective ? eigenpairs_json(*condition.effective) : Json(nullptr)},
      {"smooth", condition.smooth.to(at::kDouble).mean().item<double>()},
      {"trace",
       {{"value", number(condition.trace.value)},
        {"standard_error", number(condition.trace.standard_error)}}},
      {"carriers", list_of(condition.carriers, carriers_json)},
      {"overlap", overlap},
      {"examples", list_of(condition.examples, carrier)}});
  return json;
}

Json rate_json(const CriticalRate& rate) {
  const double measured = rate.measured.value_or(std::nan(""));
  Json json;
  tell_training(json, rate.ball);
  json.update(Json{{"settled", rate.settled},
                   {"width", rate.width},
                   {"momentum", rate.momentum},
                   {"hessian", number(rate.hessian)},
                   {"predicted", number(rate.predicted)},
                   {"measured", number(measured)},
                   {"ratio", number(measured / rate.predicted)},
                   {"by_differences",
                    {{"largest", number(rate.tried.largest)},
                     {"smallest", number(rate.tried.smallest)},
                     {"smooth", rate.tried.smooth},
                     {"secant", number(rate.tried.secant)}}}});
  return json;
}

}  // namespace

Json as_json(const CurvatureResult& result) {
  return {{"data", result.data},
          {"loss", result.loss},
          {"samples", result.samples},
          {"conditions", list_of(result.conditions, condition_json)},
          {"rates", list_of(result.rates, rate_json)},
          {"density",
           {{"nodes", numbers(result.density.nodes.flatten())},
            {"weights", numbers(result.density.weights.flatten())}}}};
}

}  // namespace reluctance
