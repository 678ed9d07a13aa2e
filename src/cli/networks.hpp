// One network through measurements and claims: what `explain` and the claims' own commands share.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "cli/attacks.hpp"
#include "cli/options.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/report/results.hpp"

namespace reluctance {

// Name, architecture and accuracies. `file` is the model's path. Robust accuracy is asked with PGD
// at
// --eps 0.05 in L-infinity unless `attack` says otherwise.
NetworkResult describe_network(const Network& network, const std::string& file, const Dataset& data,
                               std::uint64_t seed, const AttackOptions& attack = {});

// What the claims are tested with.
struct ClaimOptions {
  DynamicsOptions dynamics;
  InfluenceOptions influence;
  CurvatureOptions curvature;
  std::uint64_t seed = 0;
};

// Each runs a claim on the data and puts its result into `result`.
void test_dynamics_claim(NetworkResult& result, const Network& network, const Dataset& data,
                         const ClaimOptions& options);
void test_influence_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options);
void test_curvature_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options);

// A claim's own command: one of the above on the network of --model, shown and written as --json
// asks.
NetworkResult run_claim(const CommonOptions& common, const Network& network, const Dataset& data,
                        const ClaimOptions& options, decltype(test_dynamics_claim)* test);

// Writes results.json and report.html to the folder of --out, the numbers as --json asks, and tells
// what came out.
void write_report(const CommonOptions& common, const Results& results);

// Brings the axes of the data's images into the network's order where that is certain, and tells.
// Throws Error where it is not.
void arrange(const CommonOptions& common, const Network& network, Dataset& data);

// The network of --model, where --device says, with the data arranged for it (its notes are shown).
// Throws Error if they do not fit; the second also if the option is missing.
Network load_network(const CommonOptions& common, Dataset& data);
Network required_network(const CommonOptions& common, Dataset& data);

// "what 0.12 (middle half 0.1 to 0.2)", if there is anything to show.
void show(std::FILE* summary, const char* what, const std::optional<Quantiles>& q);

}  // namespace reluctance
