// networks[].influence of results.json.
#include "report/json.hpp"

namespace reluctance {
namespace {

Json concentration_json(const Concentration& weights) {
  return {{"effective_share", number(weights.effective_share)},
          {"gini", number(weights.gini)},
          {"top1", number(weights.top1)},
          {"top5", number(weights.top5)}};
}

Json strength(const InfluenceStrength& at) {
  const std::optional<Ball>& ball = at.attack.ball;
  return {{"kind", at.attack.name},
          {"norm", ball ? Json(to_string(ball->norm)) : Json(nullptr)},
          {"strength", strength_of(at.attack)},
          {"description", describe(at.attack)},
          {"fooled", at.fooled},
          {"gates_flipped_share", at.gates_flipped_share},
          {"effective_beta", as_json(at.effective_beta)},
          {"boost",
           {{"measured", as_json(at.boost_measured)},
            {"quadratic", as_json(at.boost_quadratic)},
            {"region", as_json(at.boost_region)}}},
          {"outside_range", at.outside_range},
          {"rank_correlation",
           {{"quadratic", number(at.rank_quadratic)}, {"region", number(at.rank_region)}}},
          {"slope", as_json(at.slope)},
          {"concentration",
           {{"clean", concentration_json(at.clean)},
            {"adversarial", concentration_json(at.adversarial)}}},
          {"change", as_json(at.change)},
          {"regime", to_string(at.regime)}};
}

Json boosts(const InfluencePoint& point) {
  return {{"measured", number(point.measured)},
          {"quadratic", number(point.quadratic)},
          {"region", number(point.region)}};
}

Json norms(const InfluencePoint& point) {
  return {{"clean", number(point.clean_norm)}, {"adversarial", number(point.adversarial_norm)}};
}

Json cloud(const InfluenceCloud& at) {
  return {{"beta", at.beta}, {"points", list_of(at.points, [](const InfluencePoint& point) {
                                Json entry{{"label", point.label},
                                           {"confidence", number(point.confidence)},
                                           {"kappa", number(point.kappa)}};
                                entry.update(boosts(point));
                                entry["gradient_norm"] = norms(point);
                                return entry;
                              })}};
}

Json example(const InfluenceExample& each) {
  return {{"sample", each.sample},
          {"label", each.point.label},
          {"prediction", each.prediction},
          {"attacked_prediction", each.attacked_prediction},
          {"confidence", number(each.point.confidence)},
          {"kappa", number(each.point.kappa)},
          {"boost", boosts(each.point)},
          {"gradient_norm", norms(each.point)},
          {"rank", {{"clean", each.rank_clean}, {"adversarial", each.rank_adversarial}}},
          {"clean", image(each.clean)},
          {"real", image(each.real)}};
}

}  // namespace

Json as_json(const InfluenceResult& result) {
  return {{"samples", result.samples},
          {"steps", result.steps},
          {"fooled_half_beta", result.fools_half ? Json(result.fooled_half_beta) : Json(nullptr)},
          {"strengths", list_of(result.strengths, strength)},
          {"clouds", list_of(result.clouds, cloud)},
          {"examples", list_of(result.examples, example)}};
}

}  // namespace reluctance
