#include "reluctance/jobs/explain.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "reluctance/measure/robustness.hpp"

namespace reluctance {
namespace {

// Images that robust accuracies of the advice are asked on.
constexpr int64_t advice_images = 1000;
// Images of the paper's results in a report that is to be quick.
constexpr int64_t few_images = 32;

void test_claims(NetworkResult& result, const Network& network, const Splits& data,
                 const ExplainOptions& options) {
  const Dataset few = head(data.held_out, options.limit);
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const std::string part = result.title + ": distances in " + to_string(norm);
    result.robustness.push_back(
        robustness_curve(network, few.samples, {.norm = norm},
                         {options.claims.seed, begin_part(options.claims.parts, part)}));
  }
  test_dynamics_claim(result, network, few, options.claims);
  test_influence_claim(result, network, few, options.claims);
  test_curvature_claim(result, network, head(data.training, options.batch), options.claims);
  ClaimOptions paper = options.claims;
  paper.paper.images = std::min(options.limit, options.thorough ? paper.paper.images : few_images);
  test_paper_results(result, network, few, paper);
}

void add_advice(NetworkResult& result, const Network& network, const Splits& data,
                const std::optional<TrainingRecord>& training, const ExplainOptions& options) {
  AdviceMaterial material;
  material.training = training;
  const bool trained_on = training && training->attack;
  const GradientAscent attack = trained_on ? *training->attack : make_attack(options.attack);
  if (attack.ball) {
    begin_part(options.claims.parts, result.title + ": one step against many");
    std::optional<Samples> images;
    if (apart(data)) images = data.training.samples.head(advice_images);
    material.attacks = compare_attacks(network, data.held_out.samples.head(advice_images), images,
                                       attack, options.claims.seed);
  }
  material.curvature = result.curvature ? &*result.curvature : nullptr;
  result.advice = advise(material);
}

}  // namespace

Splits divided(const Dataset& data) {
  const int64_t count = data.samples.count();
  const int64_t kept = std::max<int64_t>(1, count * 2 / 3);
  Splits splits{head(data, kept), data};
  splits.held_out.samples = kept == count ? data.samples : data.samples.slice(kept, count);
  splits.training.notes.push_back("one set of images; findings keep the last " +
                                  std::to_string(count - kept) + " apart from their trainings");
  return splits;
}

void make_thorough(ExplainOptions& options) {
  options.thorough = true;
  options.claims.dynamics.strengths = 24;
  options.claims.influence.strengths = 12;
  options.claims.curvature.settled = {0, 50, 200};
  options.claims.curvature.radii = {0.25, 0.5, 1.0, 1.5};
  options.claims.curvature.attacked_momenta = {0.0, 0.9};
}

void explain_network(NetworkResult& result, const Network& network, const Splits& data,
                     const std::optional<TrainingRecord>& training, const ExplainOptions& options) {
  test_claims(result, network, data, options);
  add_advice(result, network, data, training, options);
}

std::vector<const EarlierFinding*> findings_named(const std::vector<std::string>& only) {
  std::vector<const EarlierFinding*> findings;
  for (const std::string& name : only) findings.push_back(&earlier_finding(name));
  if (only.empty()) {
    for (const EarlierFinding& each : earlier_findings()) findings.push_back(&each);
  }
  return findings;
}

std::vector<FindingResult> run_findings(const std::vector<const EarlierFinding*>& findings,
                                        const FindingSetting& setting, const Parts& parts) {
  const Progress progress = begin_part(parts, "earlier findings");
  int64_t begun = 0;
  const auto total = static_cast<int64_t>(findings.size());
  return test_findings(findings, setting, [&](const EarlierFinding&) {
    if (progress) progress(begun++, total);
  });
}

FindingSetting finding_setting(const Splits& data, std::uint64_t seed) {
  FindingSetting setting;
  setting.training = data.training.samples;
  setting.held_out = data.held_out.samples;
  setting.classes = data.training.classes;
  setting.seed = seed;
  return setting;
}

std::vector<FindingResult> findings_on(const Network& network, const Splits& data,
                                       const ExplainOptions& options) {
  FindingSetting setting = finding_setting(data, options.claims.seed);
  setting.network = network;
  setting.samples = options.limit;
  std::vector<const EarlierFinding*> findings;
  for (const EarlierFinding& each : earlier_findings()) {
    if (!each.trains || options.thorough) findings.push_back(&each);
  }
  return run_findings(findings, setting, options.claims.parts);
}

}  // namespace reluctance
