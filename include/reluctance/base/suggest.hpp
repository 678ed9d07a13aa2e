// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <string>
#include <vector>

namespace reluctance {

// The known word with the fewest insertions, deletions and replacements (Levenshtein), if they are
// fewer than half of its letters; empty otherwise.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace reluctance
