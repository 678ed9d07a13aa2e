// The report: one HTML document that shows what a run found.
#pragma once

#include <string>
#include <string_view>

namespace reluctance {

// The page for `results`, the text of a results.json (docs/results.md) in UTF-8. The document holds
// its styles, scripts, chart libraries and the results, so it is about 1 MB larger than the results
// and a browser shows it without a network. Strings of the results are shown as text, never as
// HTML; keys that are missing or null leave a note where they would be shown. Two pages of the same
// results differ in one random word, which their scripts need to run. Throws Error (Kind::input) if
// the text is not JSON or its layout is not the one this version reads.
std::string report_page(std::string_view results);

}  // namespace reluctance
