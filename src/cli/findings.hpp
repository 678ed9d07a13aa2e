// Earlier findings from the command line: what `findings` and `explain` share.
#pragma once

#include <string>
#include <vector>

#include "cli/options.hpp"
#include "reluctance/claims/findings.hpp"

namespace reluctance {

// Images that networks are trained on and images that they are tested on; the same where there is
// one set only.
struct Splits {
  Dataset training, held_out;
};
inline bool apart(const Splits& splits) { return splits.training.name != splits.held_out.name; }

// The two splits of a named set; data that has no splits is divided.
Splits load_splits(const std::string& spec);

// The first two thirds and the last third, told to the person.
Splits divided(const Dataset& data);

FindingSetting finding_setting(const Splits& data, std::uint64_t seed);

// Tests them under a progress bar.
std::vector<FindingResult> run_findings(const std::vector<const EarlierFinding*>& findings,
                                        const FindingSetting& setting);

}  // namespace reluctance
