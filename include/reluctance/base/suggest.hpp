// Words in messages: the known one nearest to a mistyped one ("did you mean"), and all that there
// are.
#pragma once

#include <string>
#include <vector>

namespace reluctance {

// The known word with the fewest insertions, deletions and replacements (Levenshtein), if they are
// fewer than half of its letters; empty otherwise.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

// "a, b or c"; `last` joins the last two.
std::string listed(const std::vector<std::string>& words, const std::string& last = "or");

}  // namespace reluctance
