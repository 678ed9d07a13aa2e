#include "jobs/numbers.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/chunks.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

Json as_json(const Audit& audit) {
  return {{"bound", audit.bound},
          {"rounds", list_of(audit.rounds,
                             [](const AuditRound& round) {
                               return Json{{"nearest", round.nearest},
                                           {"nearest_felled", round.nearest_felled},
                                           {"population", round.population},
                                           {"attacked", round.attacked},
                                           {"felled", round.felled},
                                           {"bound", round.bound}};
                             })},
          {"stronger", audit.went_on},
          {"ensemble_on_all", audit.ran_all},
          {"forward_passes", audit.passes.forward},
          {"backward_passes", audit.passes.backward},
          {"processor_seconds", audit.processor}};
}

Json as_json(const StageOutcome& stage) {
  return {{"name", stage.name},
          {"attacked", stage.attacked},
          {"robust", reluctance::as_json(stage.robust)},
          {"seconds", stage.seconds},
          {"forward_passes", stage.passes.forward},
          {"backward_passes", stage.passes.backward}};
}

}  // namespace

Json numbers_of(const Evaluation& evaluation, const AttackOptions& attack) {
  const EnsembleResult& result = evaluation.result;
  return {
      {"attack", describe(attack)},
      {"clean", reluctance::as_json(result.clean)},
      {"robust", reluctance::as_json(result.robust)},  // with a target: that do not end as it
      {"target", attack.target ? Json(*attack.target) : Json(nullptr)},
      {"success", evaluation.success ? reluctance::as_json(*evaluation.success) : Json(nullptr)},
      {"decided_by_rounding", evaluation.by_rounding},
      {"stages", list_of(result.stages, [](const StageOutcome& stage) { return as_json(stage); })},
      {"audit", evaluation.audit ? as_json(*evaluation.audit) : Json(nullptr)},
      {"processor_seconds", evaluation.processor},  // without the audit's
      {"warnings", list_of(evaluation.flags, [](const Flag& flag) {
         return Json{{"name", flag.name}, {"message", flag.message}};
       })}};
}

Json numbers_of(const RobustnessCurve& curve) {
  return {{"norm", to_string(curve.norm)},
          {"forward_passes", curve.nearest.passes.forward},
          {"backward_passes", curve.nearest.passes.backward},
          {"curve", list_of(curve.points, [](const RobustnessCurve::Point& point) {
             return Json{{"budget", point.budget}, {"robust", reluctance::as_json(point.robust)}};
           })}};
}

Json numbers_of(const DynamicsComparison& comparison, double beta, int64_t steps) {
  return {{"beta", beta},
          {"steps", steps},
          {"samples", comparison.fooled.size(0)},
          {"fooled", comparison.fooled.to(at::kDouble).mean().item<double>()},
          {"classes_left_out", comparison.left_out},
          {"outside_range", comparison.quadratic_in_range.logical_not().sum().item<int64_t>()},
          {"gates_flipped", reluctance::as_json(quantiles(comparison.gates_flipped))},
          {"error",
           {{"quadratic", reluctance::as_json(quantiles(comparison.error_quadratic()))},
            {"region", reluctance::as_json(quantiles(comparison.error_region()))}}}};
}

Json numbers_of(const InfluenceComparison& comparison, const GradientAscent& attack) {
  const InfluenceMeasurement& real = comparison.measured;
  const auto effective_share = [](const Tensor& norms) {
    return concentration(norms).effective_share;
  };
  return {{"attack", describe(attack)},
          {"samples", real.boost.size(0)},
          {"boost",
           {{"measured", reluctance::as_json(quantiles(real.boost))},
            {"region", reluctance::as_json(quantiles(comparison.boost_region))},
            {"quadratic", reluctance::as_json(quantiles(comparison.boost_quadratic))}}},
          {"rank_correlation",
           {{"region", number(rank_correlation(comparison.boost_region, real.boost))},
            {"quadratic", number(rank_correlation(comparison.boost_quadratic, real.boost))}}},
          {"effective_share",
           {{"clean", effective_share(real.gradient_norm_clean)},
            {"adversarial", effective_share(real.gradient_norm_adversarial)}}}};
}

Json numbers_of(const CurvatureAnswer& answer, const std::string& matrix) {
  return {{"operator", matrix},
          {"attack", answer.attack ? Json(describe(*answer.attack)) : Json(nullptr)},
          {"loss", answer.loss},
          {"samples", answer.samples},
          {"parameters", list_of(answer.parameters,
                                 [](const NamedParameter& each) {
                                   return Json{{"name", each.name}, {"shape", each.shape}};
                                 })},
          {"eigenvalues", numbers(answer.pairs.values)},
          {"residuals", numbers(answer.pairs.residuals)},
          {"smallest", numbers(answer.smallest)},
          {"converged", answer.pairs.converged},
          {"products", answer.pairs.products},
          {"smooth", answer.smooth},
          {"half", list_of(answer.carriers, [](const Carriers& each) { return each.half; })}};
}

NamedTensors arrays_of(const Evaluation& evaluation, const Network& network, const Samples& samples,
                       const Ball& ball) {
  const EnsembleResult& result = evaluation.result;
  const Tensor adversarial = result.adversarial.to(at::kCPU);
  constexpr int64_t together = 256;  // as float64 the images would take twice their memory
  const Tensor distance =
      map_chunks({at::kCPU, samples.count(), together}, [&](int64_t begin, int64_t end) -> Tensors {
        const Tensor clean = samples.images.slice(0, begin, end).to(at::kCPU, at::kDouble);
        return {sizes_in(ball, adversarial.slice(0, begin, end).to(at::kDouble) - clean)};
      })[0];
  return {{"adversarial", adversarial},
          {"success", result.felled_by.ne(EnsembleResult::stands).to(at::kCPU)},
          {"felled_by", result.felled_by.to(at::kCPU)},
          {"target", result.target.to(at::kCPU)},
          {"index", samples.index.to(at::kCPU)},
          {"distance", distance},
          {"logits", logits(network, result.adversarial).to(at::kCPU)}};
}

NamedTensors arrays_of(const RobustnessCurve& curve, const Samples& samples) {
  return {{"adversarial", curve.nearest.adversarial.view_as(samples.images).to(at::kCPU)},
          {"distance", curve.nearest.distance.to(at::kCPU)}};
}

}  // namespace reluctance
