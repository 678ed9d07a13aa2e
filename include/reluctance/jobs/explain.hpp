// Everything about a network and its data in one document: what `explain` does with each network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/claims/findings.hpp"
#include "reluctance/jobs/claims.hpp"

namespace reluctance {

// Images that networks are trained on and images that they are tested on; the same where there is
// one set only.
struct Splits {
  Dataset training, held_out;
};
inline bool apart(const Splits& splits) { return splits.training.name != splits.held_out.name; }

// The first two thirds and the last third of one set; the note about it is the last of the
// training's.
Splits divided(const Dataset& data);

struct ExplainOptions {
  AttackOptions attack{};  // for robust accuracy
  ClaimOptions claims{};   // with seed and parts of the whole
  int64_t limit = 256;     // images that the claims are tested on
  int64_t batch = 1000;    // training images of claim 3
  bool thorough = false;   // findings that train networks of their own, too
};

// More strengths, budgets and points of training, and the findings that train.
void make_thorough(ExplainOptions& options);

// Distances, claims and advice, added to what describe_network gave. `training` is nothing for a
// network of unknown making.
void explain_network(NetworkResult& result, const Network& network, const Splits& data,
                     const std::optional<TrainingRecord>& training, const ExplainOptions& options);

// Those of these names, or all where none is named. Throws Error for an unknown one.
std::vector<const EarlierFinding*> findings_named(const std::vector<std::string>& only);

// Tests the findings one after the other.
std::vector<FindingResult> run_findings(const std::vector<const EarlierFinding*>& findings,
                                        const FindingSetting& setting, const Parts& parts);
FindingSetting finding_setting(const Splits& data, std::uint64_t seed);

// The findings that the options ask for, on that network.
std::vector<FindingResult> findings_on(const Network& network, const Splits& data,
                                       const ExplainOptions& options);

}  // namespace reluctance
