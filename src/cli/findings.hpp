// Earlier findings from the command line: what `findings` and `explain` share.
#pragma once

#include <vector>

#include "cli/splits.hpp"
#include "reluctance/claims/findings.hpp"

namespace reluctance {

FindingSetting finding_setting(const Splits& data, std::uint64_t seed);

// Tests them under a progress bar.
std::vector<FindingResult> run_findings(const std::vector<const EarlierFinding*>& findings,
                                        const FindingSetting& setting);

}  // namespace reluctance
