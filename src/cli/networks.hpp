// One network through measurements and claims: what `explain` and the claims' own commands share.
#pragma once

#include <string>

#include "cli/options.hpp"

namespace reluctance {

// Name, architecture and accuracies. `file` is the model's path. Robust accuracy is asked with PGD
// at
// --eps 0.05 in L-infinity unless `attack` says otherwise.
NetworkResult describe_network(const Network& network, const std::string& file, const Dataset& data,
                               std::uint64_t seed, const AttackOptions& attack = {});

// Runs the claims on the data and puts their results into `result`.
void test_claims(NetworkResult& result, const Network& network, const Dataset& data,
                 const DynamicsOptions& options);

}  // namespace reluctance
