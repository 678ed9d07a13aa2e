#include "reluctance/jobs/evaluation.hpp"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "reluctance/base/error.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/network/folding.hpp"

namespace reluctance {
namespace {

ValidityOptions validity_of(const EvaluationOptions& options, const Network& network,
                            const Tensor& guides, const std::optional<Ball>& around) {
  ValidityOptions validity;
  validity.seed = options.seed;
  // Towards a target that loss is large, not flat.
  validity.follows_cross_entropy = follows_cross_entropy(options.attack) && !options.attack.target;
  validity.ball = around;
  validity.attack = [attack = options.attack, &network, guides](const Ball& ball) {
    AttackOptions wider = attack;
    wider.epsilon = ball.radius;
    return make_stages(wider, network, guides).front().attack;
  };
  return validity;
}

// What the cascade left is audited, which may go on with it.
void audit_cascade(const EvaluationOptions& options, const Network& network, const Samples& samples,
                   Evaluation& evaluation) {
  AuditOptions audited;
  audited.points = options.audit.value_or(audited_points) / 100;
  audited.seed = options.seed;
  audited.progress = options.parts;
  audited.kept = options.kept;
  const Ball ball = ball_of(options.attack);
  const double before = processor_seconds();
  evaluation.audit = audit(evaluation.result, network, samples, ball, audited);
  evaluation.result = evaluation.audit->result;
  evaluation.processor += processor_seconds() - before - evaluation.audit->processor;
  evaluation.passes.forward = evaluation.result.passes.forward - evaluation.audit->passes.forward;
  evaluation.passes.backward =
      evaluation.result.passes.backward - evaluation.audit->passes.backward;
}

// As the passes, those of all processes.
void add_up_seconds(Evaluation& evaluation) {
  if (!divides()) return;
  double& audit = evaluation.audit ? evaluation.audit->processor : evaluation.processor;
  const Tensor all =
      sum_over_processes({at::tensor({audit, evaluation.processor}, at::kDouble)}).front();
  audit = all[0].item<double>();
  evaluation.processor = all[1].item<double>();
}

}  // namespace

void require_evaluation(const EvaluationOptions& options) {
  require_attack(options.attack);
  if (options.audit && options.attack.attack != "standard") {
    throw Error("--audit has no effect on --attack " + options.attack.attack +
                "; standard takes it");
  }
}

Samples towards_target(const Samples& samples, int64_t target, int64_t classes) {
  if (target >= classes) {
    throw Error("--target " + std::to_string(target) + ": this network's classes are 0 to " +
                std::to_string(classes - 1));
  }
  const Tensor others = samples.labels.ne(target).nonzero().squeeze(1);
  if (others.size(0) == 0) {
    throw Error("--target " + std::to_string(target) +
                ": all images have that label; choose another class, or more images");
  }
  return samples.rows(others).towards(target);
}

std::string left_out(int64_t target, int64_t count) {
  return "--target " + std::to_string(target) + ": left out " + std::to_string(count) +
         " images of that class";
}

Evaluation evaluate(const Network& given, const Samples& samples, const Tensor& guides,
                    const EvaluationOptions& options) {
  require_evaluation(options);
  const Network network = folded(given);
  const std::vector<Stage> stages = make_stages(options.attack, network, guides);
  const double before = processor_seconds();
  Evaluation evaluation;
  EnsembleOptions run{{options.seed, begin_part(options.parts, options.attack.attack)}, {}, {}};
  if (options.kept.begun) run.from = options.kept.begun(0, stages, samples);
  if (options.kept.keep) {
    run.checkpoint = [&](const EnsembleState& state) { options.kept.keep(0, state); };
  }
  evaluation.result = run_ensemble(network, samples, stages, run);
  evaluation.passes = evaluation.result.passes;
  evaluation.processor = processor_seconds() - before;
  if (options.attack.attack == "standard") audit_cascade(options, network, samples, evaluation);
  add_up_seconds(evaluation);
  begin_part(options.parts, "checks");
  evaluation.by_rounding = decided_by_rounding(network, samples, evaluation.result);
  if (options.attack.target) {
    const Tensor reached = evaluation.result.felled_by.ne(EnsembleResult::stands);
    evaluation.success = share(reached.sum().item<int64_t>(), samples.count());
  }
  evaluation.flags =
      validity_flags(network, samples, evaluation.result,
                     validity_of(options, network, guides, stages.front().attack.ball));
  return evaluation;
}

}  // namespace reluctance
