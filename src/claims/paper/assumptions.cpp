// Assumptions 1 and 2, and lemma 1: what the theorems stand on.
#include <ATen/ATen.h>

#include "claims/paper/bench.hpp"
#include "claims/paper/list.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double few_gates = 0.02;     // of all gates, at three tenths of the fooling strength
constexpr double some_gates = 0.05;    // at the fooling strength
constexpr double nearly_all = 0.9;     // of the trace, in one eigenvalue
constexpr double scalar_error = 0.1;   // of the perturbation that one scalar gives
constexpr double agreement = 0.95;     // share of the points of an attack
constexpr int64_t many_steps = 50000;  // stand for infinitely many

constexpr auto at_most = Check::Relation::at_most;
constexpr auto at_least = Check::Relation::at_least;

Tensor flipped(const PaperBench& bench, double share) {
  const Tensor there = bench.samples().images + bench.course(share).delta;
  return gates_flipped(bench.network(), bench.region().pass,
                       forward(bench.network(), there, Keep::gates));
}

PaperOutcome test_gates(const PaperBench& bench) {
  Outcome outcome = conclude({
      check("share of gates flipped at three tenths of the fooling strength, mean",
            mean_interval(flipped(bench, moderate), bench.seed()), at_most, few_gates),
      check("share of gates flipped at the fooling strength, mean",
            mean_interval(flipped(bench, full), bench.seed()), at_most, some_gates),
  });
  const auto at_share = [&](double share) { return flipped(bench, share); };
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "share of the fooling strength",
           "share of gates flipped",
           true,
           false,
           {over_shares("real attack", at_share)}}};
}

// Both inside the linear region, so that only the scalar stands between them.
Tensor one_scalar_errors(const PaperBench& bench, double share) {
  const auto delta = [&](const Tensor& c) {
    return perturbation(bench.network(), bench.region(), c);
  };
  return relative_errors(delta(scalar_attack(bench.scalar(), bench.strength(share))),
                         delta(region_attack(bench.region(), bench.strength(share), many_steps)));
}

PaperOutcome test_rank_one(const PaperBench& bench) {
  const Tensor& lambda = bench.spectrum().eigenvalues;
  const Tensor top = lambda.select(1, 0) / lambda.sum(1);
  Outcome outcome = conclude({
      check("share of the input Hessian's trace in its largest eigenvalue, mean",
            mean_interval(top, bench.seed()), at_least, nearly_all),
      check("relative error of the perturbation through one scalar, at three tenths of the fooling "
            "strength, median",
            median_interval(one_scalar_errors(bench, moderate), bench.seed()), at_most,
            scalar_error),
      check("the same at the fooling strength, median",
            median_interval(one_scalar_errors(bench, full), bench.seed()), at_most, scalar_error),
  });
  const auto at_share = [&](double share) { return one_scalar_errors(bench, share); };
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "share of the fooling strength",
           "relative error of the perturbation",
           true,
           true,
           {over_shares("one scalar against all classes", at_share)}}};
}

PaperOutcome test_lemma(const PaperBench& bench) {
  const AttackCourse& course = bench.course(full);
  const Tensor above = course.second > course.first.square();
  const Tensor agrees = above.eq(course.answered_wrong.logical_not()).to(at::kDouble).mean(1);
  const Tensor positive = (course.second > 0).to(at::kDouble).mean(1);
  Outcome outcome = conclude({
      check("share of the attack's points where H_z is positive",
            mean_interval(positive, bench.seed()), at_least, agreement),
      check("share of the attack's points where H_z exceeds g_z squared exactly if the image is "
            "still right",
            mean_interval(agrees, bench.seed()), at_least, agreement),
  });
  const Tensor step = at::arange(bench.steps() + 1, at::kDouble);
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "step of the attack",
           "H_z over the square of g_z",
           false,
           true,
           {over_columns("real attack", step, course.second / course.first.square())}}};
}

}  // namespace

PaperStatement assumption_1() {
  return {"assumption-1",
          "Assumption 1",
          "Gates stay as they are under the attack",
          "The attack does not change which units of the network are on, so the network is affine "
          "on the way.",
          "Share of all gates that differ between the image and the end of the attack.",
          "Nothing stands on it here but what says so: errors are shown beside the gates that "
          "flipped, and segments follow them.",
          "",
          test_gates};
}

PaperStatement assumption_2() {
  return {"assumption-2",
          "Assumption 2",
          "The loss may be treated through one scalar",
          "With many classes, too, the loss is taken as a function of one scalar output, so the "
          "input Hessian has rank one and perturbations are parallel to that output's gradient.",
          "Share of tr H_x in its largest eigenvalue; error of the perturbation through the margin "
          "of the strongest other class against that of all classes, both with the gates held.",
          "Here all C classes are followed: C - 1 eigenvalues from a C x C matrix, and a recursion "
          "of C numbers.",
          "",
          test_rank_one};
}

PaperStatement lemma_1() {
  return {"lemma-1",
          "Lemma 1",
          "Curvature exceeds the squared gradient until the attack succeeds",
          "For cross-entropy in one scalar H_z = p (1 - p) > 0, and H_z > g_z^2 exactly as long as "
          "the attack has not succeeded (p < 1/2).",
          "Share of the points of real attacks, image by image and step by step, at which both "
          "sides agree.",
          "Exact for two classes. With more, derivatives of the whole loss as the margin's two "
          "logits are moved apart.",
          "",
          test_lemma};
}

}  // namespace reluctance
