#include "claims/findings/list.hpp"

#include <ATen/ATen.h>

#include <chrono>

#include "claims/findings/laboratory.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

namespace {

// A network of unknown making may have died in training; the statistics mean nothing then.
bool answers_one_class(const Laboratory& laboratory) {
  const FindingSetting& setting = laboratory.setting();
  if (!setting.network) return false;
  const Samples samples = laboratory.held_out(setting.samples);
  const Tensor answers = logits(*setting.network, samples.images).argmax(1);
  return answers.eq(answers[0]).all().item<bool>() &&
         !samples.labels.eq(samples.labels[0]).all().item<bool>();
}

// A training that diverges does not take the other findings with it.
Outcome tested(const EarlierFinding& finding, Laboratory& laboratory, bool blind) {
  if (blind && !finding.trains) {
    return {Verdict::cannot_be_tested, "The network answers one class, whatever the image.", {}};
  }
  try {
    return finding.test(laboratory);
  } catch (const Diverged& error) {
    return {Verdict::cannot_be_tested, std::string("A training failed: ") + error.what(), {}};
  }
}

}  // namespace

const std::vector<EarlierFinding>& earlier_findings() {
  static const std::vector<EarlierFinding> all{
      few_directions_finding(),      flatter_input_finding(),    sharper_weights_finding(),
      logistic_regression_finding(), near_boundary_finding(),    hard_samples_finding(),
      capacity_and_data_finding(),   single_step_finding(),      learning_rate_finding(),
      flat_weights_gap_finding(),    linf_less_smooth_finding(), label_smoothing_finding(),
      vanishing_gradients_finding(), early_stopping_finding(),
  };
  return all;
}

const EarlierFinding& earlier_finding(const std::string& name) {
  std::vector<std::string> names;
  for (const EarlierFinding& finding : earlier_findings()) {
    if (finding.name == name) return finding;
    names.push_back(finding.name);
  }
  const std::string guess = nearest(name, names);
  throw Error(
      "unknown finding '" + name + "'" +
      (guess.empty() ? std::string("; see findings --list") : "; did you mean " + guess + "?"));
}

std::vector<FindingResult> test_findings(const std::vector<const EarlierFinding*>& findings,
                                         const FindingSetting& setting,
                                         const std::function<void(const EarlierFinding&)>& begun) {
  Laboratory laboratory(setting);
  const bool blind = answers_one_class(laboratory);
  std::vector<FindingResult> results;
  for (const EarlierFinding* finding : findings) {
    if (begun) begun(*finding);
    const auto begin = std::chrono::steady_clock::now();
    Outcome outcome = tested(*finding, laboratory, blind);
    const bool is_certain = certain(outcome.checks);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    results.push_back({finding, std::move(outcome), is_certain, seconds.count()});
  }
  return results;
}

}  // namespace reluctance
