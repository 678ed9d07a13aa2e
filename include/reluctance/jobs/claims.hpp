// One network through measurements and claims: what the claims' own commands and `explain` share.
#pragma once

#include <cstdint>
#include <string>

#include "reluctance/base/progress.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/jobs/attacks.hpp"
#include "reluctance/report/results.hpp"

namespace reluctance {

// A network, with the name of its file or what else stands for it.
struct LoadedNetwork {
  std::string name;
  Network network;
};

// What the claims are tested with.
struct ClaimOptions {
  DynamicsOptions dynamics;
  InfluenceOptions influence;
  CurvatureOptions curvature;
  PaperOptions paper;
  std::uint64_t seed = 0;
  Parts parts{};
};

// Name, architecture and accuracies. Robust accuracy is asked with PGD at --eps 0.05 in L-infinity
// unless `attack` says otherwise.
NetworkResult describe_network(const LoadedNetwork& subject, const Dataset& data,
                               const ClaimOptions& options, const AttackOptions& attack = {});

// Each runs a claim on the data and puts its result into `result`.
void test_dynamics_claim(NetworkResult& result, const Network& network, const Dataset& data,
                         const ClaimOptions& options);
void test_influence_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options);
void test_curvature_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options);
void test_paper_results(NetworkResult& result, const Network& network, const Dataset& data,
                        const ClaimOptions& options);

// The results of one of the above on a network; `run` is their record.
using ClaimTest = decltype(test_dynamics_claim);
Results run_claim(const LoadedNetwork& subject, const Dataset& data, const ClaimOptions& options,
                  ClaimTest* test, const RunInfo& run);

}  // namespace reluctance
