#include "reluctance/jobs/eigenpairs.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/jobs/training.hpp"

namespace reluctance {
namespace {

// What --operator names: the matrix, and each sample's own part along a direction.
struct NamedOperator {
  std::string name;
  LinearOperator (FeltCurvature::*matrix)() const;
  Tensor (FeltCurvature::*each)(const Tensor& v) const;
};

const std::vector<NamedOperator> operators{
    {"hessian", &FeltCurvature::hessian, &FeltCurvature::sample_hessians},
    {"ggn", &FeltCurvature::gauss_newton, &FeltCurvature::sample_gauss_newton},
    {"effective", &FeltCurvature::effective, &FeltCurvature::sample_curvatures},
};

const NamedOperator& operator_named(const std::string& name) {
  std::vector<std::string> known;
  for (const NamedOperator& each : operators) {
    if (each.name == name) return each;
    known.push_back(each.name);
  }
  throw Error("--operator " + name + ": unknown operator; choose " + listed(known));
}

std::vector<NamedParameter> block_of(const std::vector<NamedParameter>& all,
                                     const std::vector<std::string>& names) {
  if (names.empty()) return all;
  try {
    return chosen_parameters(all, names);
  } catch (const Error& error) {
    throw Error(std::string("--parameters: ") + error.what());
  }
}

}  // namespace

int64_t curvature_memory(double memory) {
  return std::min(default_curvature_memory, static_cast<int64_t>(memory / 4 * (1 << 30)));
}

AttackOptions curvature_attack() {
  AttackOptions attack;
  attack.attack = "none";
  attack.random_start = false;
  attack.norm = "l2";
  attack.epsilon = 0.5;
  return attack;
}

NamedTensors CurvatureAnswer::arrays() const {
  Tensors shares;
  for (const Carriers& each : carriers) shares.push_back(each.shares);
  return {
      {"eigenvalues", pairs.values},
      {"residuals", pairs.residuals},
      {"eigenvectors", pairs.vectors.to(at::kCPU)},
      {"smallest", smallest},
      {"sample_share", shares.empty() ? at::empty({0, samples}, at::kDouble) : at::stack(shares)}};
}

void require_sound(const CurvatureQuestion& question) {
  const AttackOptions& attack = question.attack;
  const bool one = !question.matrix.empty();
  if (one) operator_named(question.matrix);
  if (!one && (attack.attack != "none" || !attack.given.empty())) {
    throw Error((attack.given.empty() ? "--attack" : attack.given.front()) +
                " has no effect on the sweep over trainings; name one operator with --operator");
  }
  if (question.smallest > 0 && (!one || question.matrix == "ggn")) {
    throw Error("--smallest has no effect without --operator hessian or effective: " +
                std::string(one ? "no eigenvalue of ggn is negative" : "name one"));
  }
  if (!one && !question.parameters.empty()) {
    throw Error("--parameters has no effect without --operator: name one");
  }
  objective_of(attack, 0);
}

FeltCurvature curvature_of(const Network& network, const Samples& samples,
                           const CurvatureQuestion& question) {
  const Objective objective = objective_of(question.attack, 0);
  if (question.matrix == "effective" && !objective.attack) {
    throw Error(
        "--operator effective needs an attack: for example --attack pgd --norm l2 --eps 0.5");
  }
  const std::string name = objective.attack ? describe(*objective.attack) : "clean";
  FeltCurvature felt(
      network, samples, objective,
      {question.memory, {question.pairs.context.seed, begin_part(question.parts, name)}});
  if (question.matrix == "effective" && felt.is_hessian()) {
    throw Error(
        "--operator effective needs a raw or an L2 attack; under an L-infinity one, whose pixels "
        "rest on their bounds, it is the Hessian: use --operator hessian");
  }
  return felt;
}

LinearOperator operator_of(const FeltCurvature& felt, const std::string& matrix) {
  return (felt.*operator_named(matrix).matrix)();
}

CurvatureAnswer ask(const Network& network, const std::vector<NamedParameter>& all,
                    const Samples& samples, const CurvatureQuestion& question) {
  const NamedOperator& chosen = operator_named(question.matrix);
  CurvatureAnswer answer;
  answer.parameters = block_of(all, question.parameters);
  const FeltCurvature felt = curvature_of(network, samples, question);
  const LinearOperator whole = (felt.*chosen.matrix)();
  const Tensor places = places_of(answer.parameters).to(whole.device);
  const LinearOperator matrix =
      places.size(0) < whole.size ? principal_block(whole, places) : whole;
  answer.samples = samples.count();
  const Objective objective = objective_of(question.attack, 0);
  answer.attack = objective.attack;
  answer.loss = objective.loss.name;
  EigenpairOptions wanted = question.pairs;
  wanted.context.progress = begin_part(question.parts, "eigenpairs");
  answer.pairs = top_eigenpairs(matrix, wanted);
  answer.smallest = at::empty({0}, at::kDouble);
  if (question.smallest > 0) {
    wanted.count = question.smallest;
    answer.smallest = bottom_eigenpairs(matrix, wanted).values;
  }
  for (int64_t k = 0; k < answer.pairs.values.size(0); ++k) {
    const Tensor each = (felt.*chosen.each)(embedded(answer.pairs.vectors[k], places, whole.size));
    answer.carriers.push_back(carriers_of(answer.pairs.values[k].item<double>(), each));
  }
  answer.smooth = felt.smooth().to(at::kDouble).mean().item<double>();
  return answer;
}

}  // namespace reluctance
