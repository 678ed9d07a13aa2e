#include "claims/findings/list.hpp"

#include <chrono>

#include "claims/findings/laboratory.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {

const std::vector<EarlierFinding>& earlier_findings() {
  static const std::vector<EarlierFinding> all{
      few_directions_finding(),      flatter_input_finding(),    sharper_weights_finding(),
      logistic_regression_finding(), near_boundary_finding(),    hard_samples_finding(),
      capacity_and_data_finding(),   single_step_finding(),      learning_rate_finding(),
      flat_weights_gap_finding(),    linf_less_smooth_finding(), label_smoothing_finding(),
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
  std::vector<FindingResult> results;
  for (const EarlierFinding* finding : findings) {
    if (begun) begun(*finding);
    const auto begin = std::chrono::steady_clock::now();
    Finding outcome = finding->test(laboratory);
    const bool is_certain = certain(outcome.checks);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    results.push_back({finding, std::move(outcome), is_certain, seconds.count()});
  }
  return results;
}

}  // namespace reluctance
