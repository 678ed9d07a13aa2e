#include "reluctance/jobs/claims.hpp"

#include <chrono>
#include <filesystem>

#include "jobs/record.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/network/folding.hpp"

namespace reluctance {

NetworkResult describe_network(const LoadedNetwork& subject, const Dataset& data,
                               const ClaimOptions& options, const AttackOptions& attack_options) {
  const GradientAscent attack = make_attack(attack_options);
  const Context context{options.seed, begin_part(options.parts, describe(attack))};
  const EnsembleResult accuracy =
      run_ensemble(folded(subject.network), data.samples, {{as_attack(attack)}}, {context, {}, {}});
  const std::string name = std::filesystem::path(subject.name).stem().string();
  return {name,
          name,
          subject.name,
          summary(subject.network),
          subject.network.parameter_count(),
          {},
          accuracy.clean,
          accuracy.robust,
          describe(attack)};
}

void test_dynamics_claim(NetworkResult& result, const Network& network, const Dataset& data,
                         const ClaimOptions& options) {
  result.dynamics = test_dynamics(network, data.samples, options.dynamics,
                                  begin_part(options.parts, result.title + ": claim 1"));
}

void test_influence_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  result.influence =
      test_influence(network, data.samples, options.influence,
                     {options.seed, begin_part(options.parts, result.title + ": claim 2")});
}

void test_curvature_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  result.curvature =
      test_curvature(network, data.samples, options.curvature,
                     {options.seed, begin_part(options.parts, result.title + ": claim 3")});
  result.curvature->data = data.name;
}

void test_paper_results(NetworkResult& result, const Network& network, const Dataset& data,
                        const ClaimOptions& options) {
  result.paper =
      test_paper(network, data.samples, options.paper,
                 {options.seed, begin_part(options.parts, result.title + ": the paper")});
}

Results run_claim(const LoadedNetwork& subject, const Dataset& data, const ClaimOptions& options,
                  ClaimTest* test, const RunInfo& run) {
  Results results{run, data_info(data), {}};
  const auto begin = std::chrono::steady_clock::now();
  results.networks.push_back(describe_network(subject, data, options));
  test(results.networks.back(), subject.network, data, options);
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return results;
}

}  // namespace reluctance
